// One metric of up to five types over time: chart, changes of level in words, and the points as a table.

import { lines } from "../charts/spec.js";
import { fill, h } from "../dom.js";
import { count, decimalsOf, significant } from "../format.js";
import { changesOf, loadTrends, pointsOf, seriesOf } from "../series.js";
import { field } from "../words.js";
import { figure } from "./figure.js";
import { number, nothing } from "./quantity.js";
import { table } from "./table.js";

/** The section, filled once the trends have arrived. */
export function trend({ dataset, instances, metric, group }) {
  const body = h("div", { "aria-busy": "true" }, h("p", { class: "waiting" }, "Reading the values over time"));
  const section = h("section", { class: "trend", "aria-label": "Over time" }, h("h2", {}, `Over time: ${field(metric.field)}`), body);
  show(body, dataset, instances, metric, group);
  return section;
}

async function show(body, dataset, instances, metric, group) {
  let found;
  try {
    found = await findSeries(dataset, instances, metric, group);
  } catch (error) {
    fill(body, h("p", { class: "fault" }, error.message));
    return;
  } finally {
    body.removeAttribute("aria-busy");
  }
  if (!found.length) {
    fill(body, h("p", { class: "empty" }, "No values over time are published for this metric in this configuration."));
    return;
  }
  const points = pointsOf(found);
  const changes = changesOf(found);
  const days = new Set(points.map((point) => point.date)).size;
  if (days < 2) {
    fill(body, h("p", { class: "empty" }, `Measured on one day only, ${points[0].date}: there is no line to draw yet.`), pointTable(points, group));
    return;
  }
  const rows = points.map((point) => ({ ...point, tip: tipOf(point, group) }));
  const marks = changes.map((change) => ({ date: change.date, label: percent(change) }));
  fill(
    body,
    figure({
      label: `${field(metric.field)} in ${group.unit} of ${found.map((one) => one.instance).join(", ")} on ${count(days, "day")}.`,
      make: (look) => lines(rows, marks, { title: group.unit, look }),
    }),
    changes.length > 0 && h("ul", { class: "changes" }, changes.map((change) => h("li", {}, changeText(change, group)))),
    pointTable(points, group),
  );
}

async function findSeries(dataset, instances, metric, group) {
  const trends = await loadTrends(instances.map((instance) => dataset.machines.get(instance)?.instance_family));
  return instances
    .map((instance) => ({ instance, series: seriesOf(trends, instance, metric, group) }))
    .filter((one) => one.series);
}

function pointTable(points, group) {
  const decimals = decimalsOf(points.map((point) => point.value));
  const columns = [
    { id: "date", title: "Day", header: true, cell: (point) => point.span + point.date },
    { id: "type", title: "Type", cell: (point) => point.instance },
    { id: "value", title: `Median, ${group.unit}`, numeric: true, cell: (point) => number(point.value, decimals) },
    {
      id: "interval",
      title: "Interval",
      numeric: true,
      cell: (point) => (point.measured ? [number(point.low, decimals), " to ", number(point.high, decimals)] : nothing("no interval")),
    },
    { id: "n", title: "n", numeric: true, cell: (point) => number(point.n, 0) },
  ];
  const caption = `${count(points.length, "point")} as a table`;
  return h("details", {}, h("summary", {}, caption), table({ caption, columns, rows: points }));
}

function tipOf(point, group) {
  const bounds = point.measured ? `, ${significant(point.low)} to ${significant(point.high)}` : "";
  return `${point.instance}, ${point.span}${point.date}: ${significant(point.value)} ${group.unit}${bounds}, n = ${point.n}`;
}

function percent(change) {
  return change.change_percent === undefined ? "" : `${change.change_percent > 0 ? "+" : ""}${significant(change.change_percent, 2)} %`;
}

function changeText(change, group) {
  const size = percent(change);
  return [
    `${change.instance}, ${change.date}: from ${significant(change.before)} to ${significant(change.after)} ${group.unit}`,
    size && ` (${size})`,
    `, confidence ${significant(100 * change.confidence, 3)} %`,
  ].join("");
}
