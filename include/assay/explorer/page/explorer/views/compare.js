// Up to five types side by side. A ratio stands only between values of one configuration, and only where intervals are apart.

import { bars } from "../charts/spec.js";
import { h } from "../dom.js";
import { count, significant } from "../format.js";
import { MEASURED, PROVISIONAL, cellsOf, firstMetric, groupOf } from "../model.js";
import { chips, select } from "../parts/controls.js";
import { figure } from "../parts/figure.js";
import { MOST } from "../parts/frame.js";
import { groupName, metricControls } from "../parts/metric.js";
import { burstable, nothing, number, sourceLink, state } from "../parts/quantity.js";
import { table } from "../parts/table.js";
import { trend } from "../parts/trend.js";
import { address } from "../route.js";
import { architecture, benchmark, field } from "../words.js";

export function compare(ctx) {
  const { dataset } = ctx.data;
  const instances = ctx.pick.filter((name) => dataset.machines.has(name));
  const heading = h("div", { class: "headline" }, h("h1", {}, "Compare"), h("p", { class: "lead" }, `Up to ${MOST} types, metric by metric. The first one is what the others are held against.`));
  const chooser = chooserOf(ctx, instances);
  if (!instances.length) {
    return { title: "Compare", nodes: [heading, chooser, h("p", { class: "empty" }, "Choose a type above, or tick types in ", h("a", { href: address("explore") }, "Explore"), ".")] };
  }
  const shared = sharedRows(dataset, instances);
  const possible = new Map(shared.map((row) => [row.metric.id, row.metric]));
  const most = shared.filter((row) => row.cells.size === shared[0].cells.size);
  const fallback = (most.find((row) => row.metric === firstMetric(dataset) && apart(row)) ?? most.find(apart) ?? most[0])?.metric ?? cellsOf(dataset, instances[0])[0].metric;
  const metric = possible.get(ctx.query.metric) ?? fallback;
  const group = metric.groups.find((one) => one.id === ctx.query.conf) ?? shared.find((row) => row.metric === metric)?.group ?? groupOf(metric);
  return {
    title: `Compare ${instances.join(", ")}`,
    nodes: [
      heading,
      chooser,
      shared.length > 0 && h("div", { class: "row" }, metricControls({ dataset: { ...dataset, metrics: possible }, metric, group, choose: (change) => ctx.set(change) })),
      chartOf(ctx, { instances, metric, group }),
      trend({ dataset, instances, metric, group }),
      h("section", {}, h("h2", {}, "Every metric"), matrix(ctx, instances, shared)),
    ],
  };
}

function chooserOf(ctx, instances) {
  const { dataset } = ctx.data;
  const names = [...dataset.machines.keys()].filter((name) => !instances.includes(name)).sort(new Intl.Collator("en", { numeric: true }).compare);
  const families = [...new Set(names.map((name) => dataset.machines.get(name).instance_family))];
  const full = instances.length >= MOST;
  return h(
    "div",
    { class: "row chooser" },
    chips({ id: "type", word: "type", values: instances, remove: (name) => ctx.toggle(name) }),
    full
      ? h("p", { class: "hint" }, `${MOST} types are the most; remove one to add another.`)
      : select({
          id: "add",
          label: "Add a type",
          options: [["", "Choose"], ...families.map((family) => ({ label: family, options: names.filter((name) => dataset.machines.get(name).instance_family === family).map((name) => [name, name]) }))],
          value: "",
          change: (name) => name && ctx.toggle(name),
        }),
  );
}

/** Rows of metric and group that at least two of the types have (or one, if there is but one). */
function sharedRows(dataset, instances) {
  const rows = new Map();
  for (const instance of instances) {
    for (const { metric, group, cell } of cellsOf(dataset, instance)) {
      const key = `${metric.id} ${group.id}`;
      if (!rows.has(key)) rows.set(key, { metric, group, cells: new Map() });
      rows.get(key).cells.set(instance, cell);
    }
  }
  const enough = Math.min(2, instances.length);
  return [...rows.values()].filter((row) => row.cells.size >= enough).sort((a, b) => b.cells.size - a.cells.size);
}

/** Whether at least two of a row's values have intervals, so that they can be told apart. */
function apart(row) {
  return [...row.cells.values()].filter((cell) => cell.state === MEASURED).length >= Math.min(2, row.cells.size);
}

function chartOf(ctx, { instances, metric, group }) {
  const cells = instances.map((name) => group.cells.find((cell) => cell.instance === name)).filter(Boolean);
  if (!cells.length) return h("p", { class: "empty" }, "None of these types has a value in this configuration.");
  const points = cells.map((cell) => {
    const { value, confidence_interval: bounds } = cell.quantity;
    const maker = ctx.data.dataset.machines.get(cell.instance).architecture;
    const extent = bounds ? `, ${significant(bounds[0])} to ${significant(bounds[1])}` : "";
    return { instance: cell.instance, architecture: maker, maker: architecture(maker), value, low: bounds?.[0], high: bounds?.[1], measured: cell.state !== PROVISIONAL, tip: `${cell.instance}: ${significant(value)} ${group.unit}${extent}` };
  });
  const label = `${benchmark(metric.benchmark)}, ${field(metric.field)} in ${group.unit}: ${points.map((point) => point.tip).join("; ")}.`;
  return h(
    "section",
    {},
    h("h2", {}, `${benchmark(metric.benchmark)}: ${field(metric.field)}`),
    h("p", { class: "note" }, `${group.higherIsBetter ? "More" : "Less"} is better. ${groupName(group)}.`),
    figure({ label, make: (look) => bars(points, { title: group.unit, look }) }),
  );
}

function matrix(ctx, instances, shared) {
  const { dataset } = ctx.data;
  if (!shared.length) return h("p", { class: "empty" }, "These types share no metric that was measured in the same way.");
  const sure = (name) => shared.some((row) => row.metric.benchmark === name && apart(row));
  const names = [...new Set(shared.map((row) => row.metric.benchmark))].sort((a, b) => sure(b) - sure(a));
  return names.map((name, at) => {
    const rows = shared.filter((row) => row.metric.benchmark === name);
    const caption = `${benchmark(name)}: ${count(rows.length, "metric")} in common`;
    const columns = [
      { id: "metric", title: "Metric", header: true, cell: (row) => [field(row.metric.field), h("span", { class: "small unit" }, ` ${row.group.unit}`)] },
      ...instances.map((instance, place) => ({ id: instance, title: [instance, " ", burstable(dataset.machines.get(instance))], numeric: true, cell: (row) => cellOf(ctx, row, instance, place > 0 ? row.cells.get(instances[0]) : undefined) })),
    ];
    return h("details", { class: "matrix", open: at === 0 || rows.length <= 12 }, h("summary", {}, caption), table({ caption, columns, rows, all: true }));
  });
}

function cellOf(ctx, row, instance, first) {
  const cell = row.cells.get(instance);
  if (!cell) return nothing("not measured in this configuration");
  return [sourceLink(ctx, row.metric, row.group, cell, number(cell.quantity.value)), h("span", { class: "against" }, against(cell, first, row.group) ?? state(cell, false) ?? "")];
}

function against(cell, first, group) {
  if (!first) return undefined;
  if (cell.state !== MEASURED || first.state !== MEASURED || !first.quantity.value || !cell.quantity.value) return undefined;
  const [low, high] = cell.quantity.confidence_interval;
  const [from, to] = first.quantity.confidence_interval;
  if (low <= to && high >= from) return h("span", { title: "The intervals overlap" }, "no difference");
  const ratio = cell.quantity.value / first.quantity.value;
  const better = ratio > 1 === group.higherIsBetter;
  const words = group.higherIsBetter ? [times(ratio), h("span", { class: "unseen" }, better ? " better" : " worse")] : `${times(Math.max(ratio, 1 / ratio))} ${better ? "faster" : "slower"}`;
  return h("span", { class: better ? "better" : "worse" }, words);
}

function times(ratio) {
  return `${significant(ratio, ratio < 1.1 && ratio > 0.9 ? 4 : 3)}\u00D7`;
}
