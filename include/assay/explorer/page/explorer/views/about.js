// The dataset itself: whose it is, how the sums close, what grades mean, what changed, and every document to take away.

import { h } from "../dom.js";
import { bytes, count, significant } from "../format.js";
import { LATEST, addressOf, load } from "../load.js";
import { number } from "../parts/quantity.js";
import { table } from "../parts/table.js";
import { address } from "../route.js";

const LISTED = 30;

export async function about(ctx) {
  const { metadata } = ctx.data;
  const changes = await load("changes.json");
  const { accounting, counts } = metadata;
  const sum = ["read", "accepted", "quarantined", "rejected"].map((name) => h("data", { value: String(accounting[name]) }, accounting[name].toLocaleString("en-US")));
  return {
    title: "About the data",
    nodes: [
      h(
        "div",
        { class: "headline" },
        h("h1", {}, "About the data"),
        h("p", { class: "lead" }, `${count(counts.instance_types, "type")} of ${count(counts.families, "family", "families")}, ${count(counts.measurements, "measurement")} from ${count(counts.sessions, "session")}.`),
      ),
      h("section", {}, h("h2", {}, "Nothing is dropped silently"), h("p", { class: "sum" }, sum[0], " sessions read = ", sum[1], " accepted + ", sum[2], " ", h("a", { href: address("quarantine", [], { pick: ctx.query.pick }) }, "quarantined"), " + ", sum[3], " rejected"), h("p", { class: "note" }, `${significant(100 * metadata.quality_score, 4)} % of what came in passed every check.`)),
      h("section", {}, h("h2", {}, "How to read a number"), reading(metadata)),
      h("section", {}, h("h2", {}, changes.since ? `Since snapshot ${changes.since}` : "Changes"), changed(changes)),
      h("section", {}, h("h2", {}, "Licence and credit"), credit(metadata)),
      h("section", {}, h("h2", {}, "Documents"), documents(metadata)),
    ],
  };
}

function reading(metadata) {
  const grades = Object.entries(metadata.grades ?? {});
  return [
    h("p", {}, "A value is the median of all executions. Its interval is made of the executions themselves, with the confidence that it really has. Where two intervals overlap, the data does not say which type is better, and both have the same rank."),
    h("p", {}, "With fewer than three executions there is no interval. Such a value is marked ", h("span", { class: "tag provisional" }, "provisional"), ", drawn hollow, and has no rank."),
    h("p", {}, "Estimates for types that were not measured stand in a table of their own, never among measured values."),
    grades.length > 0 && h("dl", { class: "grades" }, grades.map(([name, text]) => h("div", {}, h("dt", {}, h("span", { class: `grade grade-${name}` }, name)), h("dd", {}, text)))),
  ];
}

function changed(changes) {
  if (!changes.since) return h("p", {}, "This is the first snapshot of the dataset.");
  const moved = changes.moved.filter((one) => one.beyond_noise);
  const facts = [
    [changes.new.length, `new: ${named(changes.new)}`],
    [changes.gone.length, `gone: ${named(changes.gone)}`],
    [moved.length, `${count(moved.length, "value")} moved beyond noise`],
    [changes.moved.length - moved.length, `${count(changes.moved.length - moved.length, "value")} moved within noise`],
    [changes.quarantined.length, `${count(changes.quarantined.length, "session")} put into quarantine`],
  ].filter(([number]) => number > 0);
  return [
    facts.length ? h("ul", {}, facts.map(([, text]) => h("li", {}, text))) : h("p", {}, "No published value changed."),
    moved.length > 0 &&
      table({
        caption: "Values that moved beyond noise",
        rows: moved,
        columns: [
          { id: "instance", title: "Type", header: true, cell: (row) => h("a", { href: address("type", [row.instance]) }, row.instance) },
          { id: "metric", title: "Metric", cell: (row) => row.metric },
          { id: "from", title: "Before", numeric: true, cell: (row) => number(row.from) },
          { id: "to", title: "Now", numeric: true, cell: (row) => number(row.to) },
          { id: "unit", title: "Unit", cell: (row) => row.unit },
        ],
      }),
  ];
}

function named(names) {
  const more = names.length - LISTED;
  return names.slice(0, LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function credit(metadata) {
  return [
    h("p", {}, `The dataset is published under ${metadata.licence}. Keep this credit with any copy:`),
    h("ul", {}, metadata.attribution.map((one) => h("li", {}, `${one.attribution} (${one.source}), ${one.licence}, ${count(one.sessions, "session")}`))),
    h("p", { class: "note" }, "Charts are drawn with Vega-Lite; ", h("a", { href: addressOf("explorer/vendor/NOTICE.txt") }, "versions and licences"), "."),
  ];
}

function documents(metadata) {
  const columns = [
    { id: "path", title: "Document", header: true, cell: (row) => h("a", { href: addressOf(LATEST + row.path) }, row.path) },
    { id: "bytes", title: "Size", numeric: true, cell: (row) => h("data", { value: String(row.bytes) }, bytes(row.bytes)) },
    { id: "schema", title: "Schema", wide: true, cell: (row) => (row.schema ? h("a", { href: addressOf(LATEST + row.schema) }, row.schema.split("/").pop()) : "table") },
    { id: "sha256", title: "SHA-256", wide: true, cell: (row) => h("code", { class: "hash" }, row.sha256) },
  ];
  return table({ caption: "Published documents", columns, rows: metadata.documents, all: true });
}
