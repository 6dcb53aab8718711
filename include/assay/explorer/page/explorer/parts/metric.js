// Which metric is looked at: benchmark, metric, and the configuration where there are several.

import { count } from "../format.js";
import { groupOf } from "../model.js";
import { benchmark, field } from "../words.js";
import { select } from "./controls.js";

/** The controls. `choose({ metric, conf })` is called with ids; an empty `conf` means the first configuration. */
export function metricControls({ dataset, metric, group, choose }) {
  const names = [...new Set([...dataset.metrics.values()].map((one) => one.benchmark))];
  const within = [...dataset.metrics.values()].filter((one) => one.benchmark === metric.benchmark);
  const busiest = (name) =>
    [...dataset.metrics.values()]
      .filter((one) => one.benchmark === name)
      .reduce((best, one) => (one.groups[0].cells.length > best.groups[0].cells.length ? one : best));
  return [
    select({
      id: "benchmark",
      label: "Benchmark",
      options: names.map((name) => [name, benchmark(name)]).sort(([, a], [, b]) => (a < b ? -1 : 1)),
      value: metric.benchmark,
      change: (name) => choose({ metric: busiest(name).id, conf: "" }),
    }),
    select({
      id: "metric",
      label: "Metric",
      options: within.map((one) => [one.id, `${field(one.field)} (${one.groups[0].unit})`]),
      value: metric.id,
      change: (id) => choose({ metric: id, conf: "" }),
    }),
    metric.groups.length > 1 &&
      select({
        id: "configuration",
        label: "Configuration",
        options: metric.groups.map((one) => [one.id, `${count(one.cells.length, "type")}: ${groupName(one)}`]),
        value: group.id,
        change: (id) => choose({ metric: metric.id, conf: id === groupOf(metric).id ? "" : id }),
        hint: "Only what was measured in the same way is compared.",
      }),
  ];
}

/** A configuration in a few words. */
export function groupName(group) {
  if (!group.about) return `derived, ${group.unit}`;
  const { implementation, version, threads } = group.about;
  const parts = [implementation, known(version) && version, known(threads) && `${threads} ${threads === "one" || threads === "1" ? "thread" : "threads"}`];
  return `${parts.filter(Boolean).join(", ")} (${group.configuration.slice(-8)})`;
}

function known(text) {
  return text && !text.startsWith("unknown") ? text : "";
}
