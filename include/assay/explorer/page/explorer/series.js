// Values over time: finds the series of a group's configuration in the trend documents.

import { load, loadPath } from "./load.js";

const PARTS = ["implementation", "version", "threads", "size_policy", "build_flags"];

/** The series of a type for a metric's group in a decoded trends document, or undefined. */
export function seriesOf(trends, instance, metric, group) {
  const all = Object.values(trends.series?.[instance] ?? {});
  return all.find((one) => one.unit === group.unit && sameField(one.key.metric, metric.field) && sameKey(one.key, group.about));
}

/** The points of several series as rows: { instance, date, value, low, high, n }. */
export function pointsOf(found) {
  return found.flatMap(({ instance, series }) =>
    series.points.map((point) => ({
      instance,
      date: point.date,
      span: point.period === "week" ? "week of " : "",
      value: point.value,
      low: point.confidence_interval?.[0],
      high: point.confidence_interval?.[1],
      n: point.sample_size,
      measured: Boolean(point.confidence_interval),
    })),
  );
}

/** Where the level changed, as rows. */
export function changesOf(found) {
  return found.flatMap(({ instance, series }) => (series.change_points ?? []).map((change) => ({ instance, ...change })));
}

/** Decoded trends that hold the types of these families: their whole history where it is published, else trends.json. Throws NotRead. */
export async function loadTrends(families) {
  const endpoints = await loadPath("data/api/endpoints.json");
  const published = new Set(endpoints.endpoints.map((one) => one.path));
  const paths = [...new Set(families)].map((family) => `historical/trends/${family}.json`);
  const whole = paths.every((path) => published.has(`../${path}`));
  const documents = whole ? await Promise.all(paths.map((path) => loadPath(`data/processed/${path}`))) : [await load("trends.json")];
  return { series: Object.assign({}, ...documents.map((one) => one.series)) };
}

function sameField(measured, field) {
  return field === measured || field === `single_thread_${measured}` || field === `${measured}_value`;
}

function sameKey(key, about) {
  return about !== undefined && PARTS.every((part) => key[part] === about[part]);
}
