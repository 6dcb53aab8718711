/**
 * Ranks and compares types, in Node as in a browser.
 *
 *     node read_with_javascript.mjs https://example.org/dataset/ m7i.large c7g.large
 *
 * Without types: the first two of the ranking.
 */
import { openDataset } from "../assay.js";

const [base, ...named] = process.argv.slice(2);
const dataset = openDataset(base);

const { licence, attribution } = await dataset.metadata();
console.log(`${attribution.map((credit) => credit.attribution).join("; ")} (${licence})`);

const ranked = await dataset.rank("triad_bandwidth");
for (const { rank, instance, value, unit, confidence_interval } of ranked.slice(0, 10)) {
  console.log(`${rank}. ${instance}: ${value} ${unit} [${confidence_interval.join(", ")}]`);
}

const types = named.length ? named : ranked.slice(0, 2).map((row) => row.instance);
if (types.length > 1) {
  for (const row of await dataset.compare(types, { benchmark: "stream" })) {
    console.log(`${row.metric} ${row.instance}: ${row.value} ${row.unit}, ${row.ratio?.toFixed(2)} times: ${row.verdict}`);
  }
}
