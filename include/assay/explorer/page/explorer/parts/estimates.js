// Estimates for types that were not measured: always a table of its own, never among measured values, never in a chart of them.

import { h } from "../dom.js";
import { count, decimalsOf, significant } from "../format.js";
import { address } from "../route.js";
import { counted } from "../rows.js";
import { benchmark, field } from "../words.js";
import { nothing, number } from "./quantity.js";
import { table } from "./table.js";

const PARTS = ["implementation", "version", "threads", "size_policy", "build_flags"];

/** The estimates of a metric's group that pass a filter; nothing where there are none. */
export function estimates(ctx, { metric, group, filter }) {
  const { predictions, dataset } = ctx.data;
  if (!predictions || filter.intervalOnly) return null;
  const rows = [];
  for (const [family, laws] of Object.entries(predictions.estimates)) {
    const law = laws[group.ranking?.name];
    if (!law || !group.about || !PARTS.every((part) => law.key[part] === group.about[part])) continue;
    for (const [instance, estimate] of Object.entries(law.instances)) rows.push({ instance, family, law, estimate });
  }
  const makers = new Map([...dataset.machines.values()].map((machine) => [machine.instance_family, machine.architecture]));
  const passing = rows.filter((row) => {
    if (filter.families.length && !filter.families.includes(row.family)) return false;
    if (filter.architectures.length && !filter.architectures.includes(makers.get(row.family))) return false;
    return filter.words.every((word) => `${row.instance} ${row.family}`.toLowerCase().includes(word));
  });
  if (!passing.length) return null;
  const caption = `${count(passing.length, "estimate")} of ${field(metric.field)}, not measured`;
  return section(ctx, caption, passing, [
    { id: "type", title: "Type", header: true, cell: (row) => typeLink(ctx, row.instance) },
    { id: "vcpus", title: "vCPUs", numeric: true, wide: true, cell: (row) => number(row.estimate.vcpus, 0) },
    ...shared(passing, group.unit),
  ]);
}

/** Every estimate for one type; nothing where there are none. */
export function estimatesOf(ctx, instance) {
  const { predictions } = ctx.data;
  const rows = Object.entries(predictions?.estimates ?? {}).flatMap(([family, laws]) =>
    Object.entries(laws)
      .filter(([, law]) => law.instances[instance])
      .map(([name, law]) => ({ name, instance, family, law, estimate: law.instances[instance] })),
  );
  if (!rows.length) return null;
  return section(ctx, `${count(rows.length, "estimate")} for ${instance}, not measured`, rows, [
    { id: "metric", title: "Metric", header: true, cell: (row) => `${benchmark(row.law.key.benchmark)}: ${field(row.law.key.metric)}` },
    { id: "unit", title: "Unit", cell: (row) => row.law.unit },
    ...shared(rows),
  ]);
}

function section(ctx, caption, rows, columns) {
  const { method } = ctx.data.predictions;
  const laws = counted(rows, (row) => row.family).length;
  return h(
    "section",
    { class: "estimates", "aria-label": "Estimates" },
    h("h2", {}, "Estimated, not measured"),
    h(
      "p",
      { class: "note" },
      `Law: ${method.model}; fitted within ${laws === 1 ? "the family" : `each of ${laws} families`}. A measured value is expected in the prediction interval with ${significant(100 * method.level, 3)} % probability. `,
      "Left-out error: how far the law misses a measured size that it has not seen.",
    ),
    table({ caption, columns, rows }),
  );
}

function shared(rows, unit) {
  const decimals = unit === undefined ? undefined : decimalsOf(rows.map((row) => Number(row.estimate.estimate.toPrecision(4))));
  const shown = (value) => number(value, decimals);
  const between = ({ estimate }) => (estimate.prediction_interval ? [shown(estimate.prediction_interval[0]), " to ", shown(estimate.prediction_interval[1])] : nothing("no interval"));
  return [
    { id: "estimate", title: unit ? `Estimate, ${unit}` : "Estimate", numeric: true, cell: (row) => [h("span", { class: "estimate" }, shown(row.estimate.estimate)), h("span", { class: "below" }, between(row))] },
    {
      id: "interval",
      title: "Prediction interval",
      numeric: true,
      wide: true,
      cell: between,
    },
    { id: "error", title: "Left-out error, %", numeric: true, wide: true, cell: (row) => number(row.law.mean_left_out_percent, 1) },
    { id: "basis", title: "Rests on", wide: true, cell: (row) => count(row.law.based_on.length, "measured size") },
  ];
}

function typeLink(ctx, instance) {
  return h("a", { href: address("type", [instance], { pick: ctx.query.pick }) }, instance);
}
