// One metric over all types: filters, chart, and the table that everything else leads away from.

import { bars, scatter } from "../charts/spec.js";
import { announce, fill, h, settled } from "../dom.js";
import { count, decimalsOf, fixed, significant } from "../format.js";
import { MEASURED, PROVISIONAL, firstMetric, groupOf } from "../model.js";
import { checkboxes, chips, choice, input, select } from "../parts/controls.js";
import { estimates } from "../parts/estimates.js";
import { figure } from "../parts/figure.js";
import { metricControls } from "../parts/metric.js";
import { bar, burstable, grade, interval, nothing, number, sourceLink, state } from "../parts/quantity.js";
import { table } from "../parts/table.js";
import { regionOf } from "../prices.js";
import { address, list } from "../route.js";
import { counted, passes, rowsOf, sorted } from "../rows.js";
import { CONFIGURATION, architecture, benchmark, field } from "../words.js";

const BARS = 20;
const FORGET = { q: "", arch: "", family: "", only: "", price: "" };

let filtersOpen = matchMedia("(min-width: 56rem)").matches;

export function explore(ctx) {
  const { dataset, prices } = ctx.data;
  const metric = dataset.metrics.get(ctx.query.metric) ?? firstMetric(dataset);
  if (!metric) return { title: "Explore", nodes: [h("h1", {}, "Nothing is published yet"), h("p", {}, "No session of this dataset has been accepted so far.")] };
  const group = groupOf(metric, ctx.query.conf);
  const region = regionOf(prices, ctx.query.region);
  const all = rowsOf(dataset, group, prices, region);
  const results = h("div", { class: "results" });
  const show = () => fill(results, resultsOf(ctx, { metric, group, region, all }));
  show();
  const title = `${benchmark(metric.benchmark)}: ${field(metric.field)}`;
  return {
    title,
    nodes: [
      h("div", { class: "headline" }, h("h1", {}, h("span", { class: "over" }, benchmark(metric.benchmark)), field(metric.field)), about(group)),
      h("div", { class: "split" }, filters(ctx, { metric, group, region, all, show }), results),
    ],
  };
}

function about(group) {
  const facts = Object.entries(CONFIGURATION)
    .map(([key, word]) => [word, group.about?.[key]])
    .filter(([, text]) => text && !text.startsWith("unknown"));
  return h(
    "p",
    { class: "lead" },
    `In ${group.unit}; ${group.higherIsBetter ? "more" : "less"} is better. Median of all executions with its confidence interval. `,
    facts.length > 0 && h("span", { class: "small block" }, facts.map(([word, text]) => `${word}: ${text}`).join(" \u00B7 ")),
  );
}

function filters(ctx, { metric, group, region, all, show }) {
  const { query } = ctx;
  const { prices, dataset } = ctx.data;
  const typed = settled((changes) => {
    ctx.refine(changes);
    show();
  });
  const families = counted(all, (row) => row.family);
  const chosenFamilies = list(query.family);
  const provisional = all.filter((row) => row.cell.state === PROVISIONAL).length;
  return h(
    "details",
    { class: "filters", open: filtersOpen, on: { toggle: (event) => (filtersOpen = event.target.open) } },
    h("summary", {}, "Metric and filters"),
    h("div", { class: "block" }, metricControls({ dataset, metric, group, choose: (change) => ctx.set({ ...change, sort: "" }) })),
    h(
      "div",
      { class: "block", role: "search", "aria-label": "Filter the types" },
      input({ id: "find", label: "Find a type", type: "search", value: query.q ?? "", placeholder: "m7i, 16xlarge, epyc", change: (q) => typed({ q }) }),
      checkboxes({
        id: "arch",
        label: "Architecture",
        options: counted(all, (row) => row.architecture).map(([value, number]) => ({ value, text: architecture(value), count: number, mark: value })),
        chosen: list(query.arch),
        change: (values) => ctx.set({ arch: values.join(",") }),
      }),
      select({
        id: "family",
        label: "Family",
        options: [["", chosenFamilies.length ? "Add a family" : "Every family"], ...families.map(([name, number]) => [name, `${name} (${number})`])],
        value: "",
        change: (name) => name && ctx.set({ family: [...new Set([...chosenFamilies, name])].join(",") }),
      }),
      chips({ id: "family", word: "family", values: chosenFamilies, remove: (name) => ctx.set({ family: chosenFamilies.filter((one) => one !== name).join(",") }) }),
      provisional > 0 &&
        checkboxes({
          id: "only",
          label: "Evidence",
          options: [{ value: "interval", text: "Only with an interval", count: group.measured }],
          chosen: list(query.only),
          change: (values) => ctx.set({ only: values.join(",") }),
        }),
      prices.regions.length > 0
        ? [
            select({ id: "region", label: "Price in", options: prices.regions.map((name) => [name, name]), value: region, change: (name) => ctx.set({ region: name }) }),
            input({ id: "price", label: `At most, ${prices.currency} an hour`, type: "number", min: "0", step: "any", value: query.price ?? "", change: (price) => typed({ price }) }),
          ]
        : h("p", { class: "hint" }, prices.waiting ? "The prices are on their way." : "This snapshot holds no prices, so there is no filter by price."),
      Object.keys(FORGET).some((name) => query[name]) &&
        h("button", { type: "button", class: "quiet", data: { focus: "clear" }, on: { click: () => ctx.set(FORGET) } }, "Clear the filters"),
    ),
  );
}

function resultsOf(ctx, { metric, group, region, all }) {
  const { query } = ctx;
  const filter = filterOf(query);
  const columns = columnsOf(ctx, { metric, group, region, all });
  const order = query.sort || (group.higherIsBetter ? "-value" : "value");
  const rows = sorted(
    all.filter((row) => passes(row, filter)).map((row) => ({ ...row, highlight: ctx.pick.includes(row.instance) })),
    columns,
    order,
  );
  const summary = summaryOf(rows, all, metric, group);
  announce(summary);
  if (!rows.length) {
    const clear = h("button", { type: "button", class: "quiet", on: { click: () => ctx.set(FORGET) } }, "Clear the filters");
    const words = "No measured type passes these filters.";
    return [h("p", { class: "summary" }, summary), h("div", { class: "empty" }, h("p", {}, words), clear), estimates(ctx, { metric, group, filter })];
  }
  return [
    h("p", { class: "summary" }, summary),
    charts(ctx, { metric, group, region, rows }),
    table({
      caption: `${field(metric.field)} by type, in ${group.unit}`,
      columns,
      rows,
      order,
      sort: (next) => ctx.set({ sort: next }),
      all: query.rows === "all",
      showAll: () => ctx.set({ rows: "all" }),
    }),
    estimates(ctx, { metric, group, filter }),
  ];
}

function filterOf(query) {
  const price = Number.parseFloat(query.price);
  return {
    words: (query.q ?? "").toLowerCase().split(/[\s,]+/).filter(Boolean),
    architectures: list(query.arch),
    families: list(query.family),
    intervalOnly: query.only === "interval",
    maxPrice: Number.isFinite(price) ? price : undefined,
  };
}

function summaryOf(rows, all, metric, group) {
  const measured = rows.filter((row) => row.cell.state === MEASURED).length;
  const few = rows.filter((row) => row.cell.state === PROVISIONAL).length;
  const credits = rows.filter((row) => row.machine.burstable).length;
  const others = metric.cells.length - group.cells.length;
  const parts = [
    rows.length === all.length ? count(rows.length, "type") : `${rows.length.toLocaleString("en-US")} of ${count(all.length, "type")}`,
    measured > 0 && `${measured.toLocaleString("en-US")} with an interval`,
    few > 0 && `${few.toLocaleString("en-US")} provisional (fewer than three executions: no interval, no rank)`,
    credits > 0 && `${credits.toLocaleString("en-US")} burstable (on CPU credits, hard to compare)`,
    others > 0 && `${count(others, "value")} in other configurations`,
  ];
  return `${parts.filter(Boolean).join("; ")}.`;
}

function columnsOf(ctx, { metric, group, region, all }) {
  const decimals = decimalsOf(all.map((row) => row.cell.quantity.value));
  const largest = Math.max(...all.map((row) => row.cell.quantity.confidence_interval?.[1] ?? row.cell.quantity.value));
  const has = (test) => all.some(test);
  const quantity = (row) => row.cell.quantity;
  const { currency } = ctx.data.prices;
  const common = warnedEverywhere(all);
  return [
    { id: "pick", title: h("span", { class: "unseen" }, "Compare"), class: "narrow", cell: (row) => picker(ctx, row) },
    has((row) => row.rank !== undefined) && {
      id: "rank",
      title: "Rank",
      numeric: true,
      wide: true,
      key: (row) => row.rank,
      cell: (row) => (row.rank === undefined ? nothing("not ranked") : number(row.rank, 0)),
    },
    { id: "type", title: "Type", header: true, key: (row) => row.instance, cell: (row) => typeCell(ctx, row, common) },
    { id: "vcpus", title: "vCPUs", numeric: true, wide: true, first: "down", key: (row) => row.machine.vcpus, cell: (row) => (row.machine.vcpus ? number(row.machine.vcpus, 0) : nothing("not known")) },
    {
      id: "value",
      title: `Median, ${group.unit}`,
      numeric: true,
      first: "down",
      key: (row) => quantity(row).value,
      cell: (row) => [
        sourceLink(ctx, metric, group, row.cell, number(quantity(row).value, decimals)),
        h("span", { class: "below", "aria-hidden": "true" }, row.cell.state === MEASURED ? interval(quantity(row), decimals) : state(row.cell)),
      ],
    },
    { id: "bar", title: h("span", { class: "unseen" }, "Bar"), class: has((row) => row.price) ? "bars spare" : "bars", wide: true, cell: (row) => bar(row.cell, largest, row.architecture) },
    { id: "interval", title: "Interval", numeric: true, wide: true, key: (row) => quantity(row).confidence_interval?.[0], cell: (row) => (row.cell.state === MEASURED ? interval(quantity(row), decimals) : state(row.cell, false)) },
    { id: "n", title: "n", numeric: true, wide: true, first: "down", key: (row) => quantity(row).sample_size, cell: (row) => (quantity(row).sample_size ? number(quantity(row).sample_size, 0) : nothing("not counted")) },
    has((row) => quantity(row).coefficient_variation !== undefined) && {
      id: "cv",
      title: "CV, %",
      numeric: true,
      wide: true,
      key: (row) => quantity(row).coefficient_variation,
      cell: (row) => (quantity(row).coefficient_variation === undefined ? nothing("no spread") : number(quantity(row).coefficient_variation, 1)),
    },
    has((row) => quantity(row).quality) && {
      id: "quality",
      title: "Grade",
      wide: true,
      key: (row) => quantity(row).quality,
      cell: (row) => grade(quantity(row), ctx.data.metadata.grades),
    },
    has((row) => row.price) && {
      id: "price",
      title: `${currency} an hour`,
      numeric: true,
      wide: true,
      key: (row) => row.price?.value,
      cell: (row) => (row.price ? number(row.price.value, 4) : nothing(`no price in ${region}`)),
    },
    has((row) => row.perDollar) && {
      id: "worth",
      title: "Per dollar",
      class: "worth",
      numeric: true,
      wide: true,
      first: "down",
      key: (row) => row.perDollar?.value,
      cell: (row) => (row.perDollar ? number(row.perDollar.value) : nothing("no value per dollar")),
    },
    has((row) => row.cost) && {
      id: "cost",
      title: `Cost, ${currency}`,
      numeric: true,
      wide: true,
      key: (row) => row.cost?.value,
      cell: (row) => (row.cost ? number(row.cost.value, undefined) : nothing("no cost")),
    },
  ].filter(Boolean);
}

function charts(ctx, { metric, group, region, rows }) {
  const { prices } = ctx.data;
  const priced = rows.filter((row) => row.price);
  const wanted = ctx.query.chart === "price" && prices.regions.length ? "price" : (ctx.query.chart ?? "bars");
  const kinds = [["bars", "Bars"], ...(prices.regions.length ? [["price", "Against price"]] : []), ["none", "No chart"]];
  const buttons = choice({ id: "chart", label: "Chart", options: kinds, value: wanted, change: (kind) => ctx.set({ chart: kind === "bars" ? "" : kind }) });
  if (wanted === "none") return h("div", { class: "chart" }, buttons);
  const title = group.unit;
  if (wanted === "price") {
    if (!priced.length) return h("div", { class: "chart" }, buttons, h("p", { class: "empty" }, `None of these types has a price in ${region}.`));
    const points = priced.map((row) => pointOf(ctx, row, group));
    const label = `${field(metric.field)} against the hourly price in ${region} of ${count(points.length, "type")}.`;
    const make = (look) => scatter(points, { title, priceTitle: `${prices.currency} an hour, ${region}`, look });
    const without = rows.length - priced.length;
    const caption = `${label} ${without ? `${count(without, "type")} without a price there ${without === 1 ? "is" : "are"} left out.` : ""}`;
    return h("div", { class: "chart" }, buttons, figure({ label, caption, make }));
  }
  const first = rows.slice(0, BARS).map((row) => pointOf(ctx, row, group));
  const label = `${field(metric.field)} in ${group.unit}: the first ${count(first.length, "type")} of the table, with intervals.`;
  const caption = `The first ${count(first.length, "type")} of the table. Filled: measured, with its interval. Hollow: provisional.`;
  return h("div", { class: "chart" }, buttons, figure({ label, caption, make: (look) => bars(first, { title, look }) }));
}

function pointOf(ctx, row, group) {
  const { value, confidence_interval: bounds } = row.cell.quantity;
  const extent = bounds ? `, ${significant(bounds[0])} to ${significant(bounds[1])}` : "";
  const price = row.price ? `; ${row.price.value} ${ctx.data.prices.currency} an hour` : "";
  return {
    instance: row.instance,
    architecture: row.architecture,
    maker: architecture(row.architecture),
    value,
    low: bounds?.[0],
    high: bounds?.[1],
    price: row.price?.value,
    measured: row.cell.state !== PROVISIONAL,
    named: row.highlight,
    tip: `${row.instance}: ${significant(value)} ${group.unit}${extent}${row.cell.state === PROVISIONAL ? ", provisional" : ""}${price}`,
  };
}

function picker(ctx, row) {
  return h("input", {
    type: "checkbox",
    checked: row.highlight,
    "aria-label": `Compare ${row.instance}`,
    data: { focus: `pick-${row.instance}` },
    on: { change: (event) => ctx.toggle(row.instance, event.target) },
  });
}

function typeCell(ctx, row, common) {
  const query = { metric: ctx.query.metric, conf: ctx.query.conf, pick: ctx.query.pick };
  const warnings = Object.keys(row.cell.warnings ?? {}).filter((rule) => !common.has(rule));
  return [
    h(
      "span",
      { class: "whole" },
      h("span", { class: `mark ${row.architecture}`, title: architecture(row.architecture), "aria-hidden": "true" }),
      h("a", { href: address("type", [row.instance], query) }, row.instance),
    ),
    h("span", { class: "unseen" }, `, ${architecture(row.architecture)}`),
    row.machine.burstable && [" ", burstable(row.machine)],
    row.price && h("span", { class: "below" }, `${fixed(row.price.value, 4)} ${ctx.data.prices.currency} an hour`),
    warnings.length > 0 && h("span", { class: "warned", title: `Warned by ${warnings.join(", ")}` }, h("span", { class: "unseen" }, `, warned by ${warnings.join(", ")}`)),
  ];
}

// Rules that warned everywhere say nothing about one type.
function warnedEverywhere(rows) {
  const [first, ...others] = rows.map((row) => Object.keys(row.cell.warnings ?? {}));
  return new Set(others.length ? first.filter((rule) => others.every((rules) => rules.includes(rule))) : []);
}
