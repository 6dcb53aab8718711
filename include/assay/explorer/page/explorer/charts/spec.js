// Vega-Lite specifications from plain rows. Pure; nothing that comes from a document is ever put into an expression.

import { DASHES, POINTS, SHAPES } from "./theme.js";

const SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"; // names the version; nothing is fetched

/** A bar for each row with its interval as an error bar; a value without interval is drawn hollow. */
export function bars(rows, { title, look }) {
  const order = rows.map((row) => row.instance);
  const y = { field: "instance", type: "nominal", sort: order, title: null, axis: { ticks: false, domain: false, labelPadding: 8 } };
  return {
    ...frame(rows),
    height: 24 * rows.length,
    encoding: { y, tooltip: TIP },
    layer: [
      ...barsOf(rows, true, title, look),
      ...barsOf(rows, false, title, look),
      ...intervals(rows, [whisker("x", look), cap("low", "x", look), cap("high", "x", look)]),
    ],
  };
}

/** Value over hourly price, one point a row, intervals as lines; a value without interval is drawn hollow. */
export function scatter(rows, { title, priceTitle, look }) {
  const prices = rows.map((row) => row.price);
  const wide = Math.max(...prices) / Math.min(...prices) > 12;
  const values = rows.flatMap((row) => [row.value, row.low ?? row.value, row.high ?? row.value]);
  const tall = Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > 50;
  // A logarithmic axis ends near the data: rounded to whole powers of ten it would be mostly empty.
  const scale = (logarithmic, all) => (logarithmic ? { type: "log", nice: false, domain: [Math.min(...all) / 1.25, Math.max(...all) * 1.25] } : { zero: false, nice: true });
  const grid = { gridOpacity: 0.6, tickCount: 6 };
  return {
    ...frame(rows),
    height: 380,
    encoding: {
      x: { field: "price", type: "quantitative", title: priceTitle, scale: scale(wide, prices), axis: { ...grid, format: "~g" } },
      y: { field: "value", type: "quantitative", title, scale: scale(tall, values), axis: { ...grid, format: "~s" } },
      tooltip: TIP,
    },
    layer: [
      ...intervals(rows, [
        {
          mark: { type: "rule", color: look.muted, strokeWidth: 1.2 },
          encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" } },
        },
      ]),
      ...pointsOf(rows, true, look),
      ...pointsOf(rows, false, look),
      ...(rows.some((row) => row.named) ? [NAMES] : []),
    ],
  };
}

/** Values over time, one line a type; changes of level as dashed upright lines. */
export function lines(points, changes, { title, look }) {
  const names = [...new Set(points.map((point) => point.instance))];
  const by = (range) => ({ field: "instance", type: "nominal", scale: { domain: names, range: range.slice(0, names.length) } });
  const legend = names.length > 1 ? {} : { legend: null };
  const color = { ...by(look.several), ...legend };
  const days = [...new Set(points.map((point) => point.date))];
  const x = {
    field: "date",
    type: "temporal",
    title: null,
    scale: { type: "utc" },
    axis: {
      grid: false,
      format: "%Y-%m-%d",
      labelOverlap: true,
      labelFlush: true,
      ...(days.length <= FEW_DAYS ? { values: days.map(dayOf) } : { tickCount: FEW_DAYS }),
    },
  };
  return {
    ...frame(points),
    height: 280,
    encoding: { x, tooltip: TIP },
    layer: [
      ...(changes.length ? [levelChange(changes, look), levelChangeText(changes)] : []),
      ...intervals(points, [
        {
          mark: { type: "rule", strokeWidth: 1.4, opacity: 0.75 },
          encoding: { y: { field: "low", type: "quantitative" }, y2: { field: "high" }, color },
        },
      ]),
      {
        mark: { type: "line", strokeWidth: 1.8 },
        encoding: {
          y: { field: "value", type: "quantitative", title, scale: { zero: false, nice: true }, axis: { gridOpacity: 0.6, tickCount: 5 } },
          color,
          strokeDash: { ...by(DASHES), ...legend },
        },
      },
      ...[true, false].flatMap((measured) =>
        evidence(points, measured, {
          mark: { type: "point", size: 50, strokeWidth: 1.6, filled: measured },
          encoding: { y: { field: "value", type: "quantitative" }, color, shape: { ...by(POINTS), ...legend } },
        }),
      ),
    ],
  };
}

const FEW_DAYS = 6;
const NAMES = {
  transform: [{ filter: "datum.named" }],
  mark: { type: "text", align: "left", dx: 8, dy: -6 },
  encoding: { text: { field: "instance" } },
};
const TIP = { field: "tip", type: "nominal" };
const WITH_INTERVAL = { filter: "isValid(datum.low)" };

function dayOf(date) {
  const [year, month, day] = date.split("-").map(Number);
  return { year, month, date: day, utc: true };
}

function frame(rows) {
  return { $schema: SCHEMA, width: "container", data: { values: rows } };
}

function makers(rows) {
  return [...new Map(rows.map((row) => [row.architecture, row.maker]))].sort();
}

function byArchitecture(rows, look) {
  const present = makers(rows);
  const scale = { domain: present.map(([, name]) => name), range: present.map(([id]) => look.architectures[id] ?? look.muted) };
  return { field: "maker", type: "nominal", scale, legend: present.length > 1 ? {} : null };
}

function barsOf(rows, measured, title, look) {
  return evidence(rows, measured, {
    mark: { type: "bar", height: { band: 0.58 }, cornerRadiusEnd: 2, strokeWidth: 1.4, filled: measured, opacity: measured ? 0.85 : 1 },
    encoding: {
      x: { field: "value", type: "quantitative", title, scale: { zero: true, nice: true }, axis: { tickCount: 6, gridOpacity: 0.6 } },
      color: byArchitecture(rows, look),
    },
  });
}

function pointsOf(rows, measured, look) {
  const present = makers(rows);
  const shapes = { domain: present.map(([, name]) => name), range: present.map(([id]) => SHAPES[id] ?? "diamond") };
  return evidence(rows, measured, {
    mark: { type: "point", size: 70, strokeWidth: 1.6, filled: measured, opacity: 0.9 },
    encoding: {
      color: byArchitecture(rows, look),
      shape: { field: "maker", type: "nominal", scale: shapes, legend: present.length > 1 ? {} : null },
    },
  });
}

// Measured marks are filled, provisional ones hollow: two layers, of which one is left out where it has no rows.
function evidence(rows, measured, layer) {
  return rows.some((row) => row.measured === measured) ? [{ transform: [{ filter: `datum.measured === ${measured}` }], ...layer }] : [];
}

function intervals(rows, layers) {
  return rows.some((row) => row.low !== undefined) ? layers.map((layer) => ({ transform: [WITH_INTERVAL], ...layer })) : [];
}

function whisker(axis, look) {
  return {
    mark: { type: "rule", color: look.ink, strokeWidth: 1.6 },
    encoding: { [axis]: { field: "low", type: "quantitative" }, [`${axis}2`]: { field: "high" } },
  };
}

function cap(bound, axis, look) {
  return {
    mark: { type: "tick", color: look.ink, thickness: 1.6, size: 8 },
    encoding: { [axis]: { field: bound, type: "quantitative" } },
  };
}

function levelChange(changes, look) {
  return { data: { values: changes }, mark: { type: "rule", color: look.muted, strokeDash: [3, 3], strokeWidth: 1.2 } };
}

function levelChangeText(changes) {
  return {
    data: { values: changes },
    mark: { type: "text", align: "left", dx: 4, dy: 4, y: 0, baseline: "top" },
    encoding: { text: { field: "label" } },
  };
}
