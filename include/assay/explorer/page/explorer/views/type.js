// One type: the machine, everything measured on it, values over time, estimates, what was kept out, prices.

import { fill, h } from "../dom.js";
import { binary, count } from "../format.js";
import { load } from "../load.js";
import { MEASURED, cellsOf, groupOf, machineFacts } from "../model.js";
import { estimatesOf } from "../parts/estimates.js";
import { groupName, metricControls } from "../parts/metric.js";
import { burstable, grade, interval, nothing, number, sourceLink, state } from "../parts/quantity.js";
import { table } from "../parts/table.js";
import { trend } from "../parts/trend.js";
import { address } from "../route.js";
import { benchmark, field } from "../words.js";

const FEW = 12;

export function type(ctx) {
  const { dataset } = ctx.data;
  const instance = ctx.rest[0] ?? "";
  const machine = dataset.machines.get(instance);
  if (!machine) return unknown(ctx, instance);
  const cells = cellsOf(dataset, instance);
  const own = new Map(cells.map((one) => [one.metric.id, one.metric]));
  const best = cells.find((one) => one.cell.state === MEASURED) ?? cells[0];
  const metric = own.get(ctx.query.metric) ?? own.get("stream.triad_bandwidth") ?? best.metric;
  const asked = groupOf(metric, ctx.query.conf);
  const group = asked.cells.some((cell) => cell.instance === instance) ? asked : metric.groups.find((one) => one.cells.some((cell) => cell.instance === instance));
  const picked = ctx.pick.includes(instance);
  return {
    title: instance,
    nodes: [
      h(
        "div",
        { class: "headline" },
        h("h1", {}, h("span", { class: "over" }, "Type"), instance),
        machine.burstable && h("p", { class: "lead" }, burstable(machine), " Above a baseline it runs on CPU credits. Its numbers depend on the credits that it had left, and compare less well."),
        h("button", { type: "button", "aria-pressed": String(picked), data: { focus: "pick" }, on: { click: () => ctx.toggle(instance) } }, picked ? "Chosen to compare" : "Choose to compare"),
      ),
      h("dl", { class: "facts" }, machineFacts(machine, { binary }).map(([word, text]) => h("div", {}, h("dt", {}, word), h("dd", {}, String(text))))),
      h("section", {}, h("h2", {}, "Measured"), h("p", { class: "note" }, "Every number leads to the sessions and raw files that it comes from."), measured(ctx, cells)),
      trendSection(ctx, { instance, own, metric, group }),
      estimatesOf(ctx, instance),
      pricesOf(ctx, instance),
      keptOut(instance, ctx),
    ],
  };
}

function unknown(ctx, instance) {
  const estimated = estimatesOf(ctx, instance);
  if (estimated) {
    const lead = h("p", { class: "lead" }, "This type was not measured. What follows is estimated from other sizes of its family.");
    const heading = h("h1", {}, h("span", { class: "over" }, "Type"), instance);
    return { title: instance, nodes: [h("div", { class: "headline" }, heading, lead), estimated, pricesOf(ctx, instance), keptOut(instance, ctx)] };
  }
  const kept = h("a", { href: address("quarantine", [], { q: instance }) }, "kept out");
  return {
    title: "Unknown type",
    nodes: [
      h("h1", {}, "No such type in this snapshot"),
      h("p", {}, `Nothing is published about ${instance || "a type without a name"}. It may be spelled differently, not measured yet, or `, kept, "."),
    ],
  };
}

function measured(ctx, cells) {
  const sure = (name) => cells.some((one) => one.metric.benchmark === name && one.cell.state === MEASURED);
  const names = [...new Set(cells.map((one) => one.metric.benchmark))].sort((a, b) => sure(b) - sure(a));
  return names.map((name, at) => {
    const rows = cells.filter((one) => one.metric.benchmark === name);
    const caption = `${benchmark(name)}: ${count(rows.length, "value")}`;
    const several = new Set(rows.map((row) => row.group.id)).size > 1;
    const columns = [
      { id: "metric", title: "Metric", header: true, cell: (row) => field(row.metric.field) },
      { id: "value", title: "Median", numeric: true, cell: (row) => sourceLink(ctx, row.metric, row.group, row.cell, number(row.cell.quantity.value)) },
      { id: "unit", title: "Unit", cell: (row) => row.cell.quantity.unit },
      { id: "interval", title: "Interval", numeric: true, cell: (row) => (row.cell.quantity.confidence_interval ? interval(row.cell.quantity) : (state(row.cell) ?? nothing("no interval"))) },
      { id: "n", title: "n", numeric: true, wide: true, cell: (row) => (row.cell.quantity.sample_size ? number(row.cell.quantity.sample_size, 0) : nothing("not counted")) },
      { id: "sessions", title: "Sessions", numeric: true, wide: true, cell: (row) => (row.cell.quantity.sessions ? number(row.cell.quantity.sessions, 0) : nothing("not counted")) },
      { id: "grade", title: "Grade", wide: true, cell: (row) => grade(row.cell.quantity, ctx.data.metadata.grades) },
      several && { id: "configuration", title: "Configuration", wide: true, cell: (row) => h("span", { class: "small" }, groupName(row.group)) },
    ].filter(Boolean);
    return h("details", { open: at === 0 || rows.length <= FEW }, h("summary", {}, caption), table({ caption, columns, rows, all: true }));
  });
}

function trendSection(ctx, { instance, own, metric, group }) {
  const { dataset } = ctx.data;
  const mine = { ...dataset, metrics: own };
  return h(
    "div",
    {},
    trend({ dataset, instances: [instance], metric, group }),
    h("div", { class: "row" }, metricControls({ dataset: mine, metric, group, choose: (change) => ctx.set(change) })),
  );
}

function pricesOf(ctx, instance) {
  const { prices } = ctx.data;
  const regions = Object.entries(prices.instances[instance] ?? {});
  if (!regions.length) return null;
  const rows = regions.map(([region, entry]) => ({ region, entry }));
  const columns = [
    { id: "region", title: "Region", header: true, cell: (row) => row.region },
    { id: "price", title: `${prices.currency} an hour`, numeric: true, cell: (row) => (row.entry.hourly_price ? number(row.entry.hourly_price.value, 4) : h("span", { class: "small" }, row.entry.reason ?? "no price")) },
    { id: "asof", title: "As of", cell: (row) => row.entry.hourly_price?.as_of ?? nothing("no price") },
    { id: "source", title: "Source", wide: true, cell: (row) => h("span", { class: "small" }, row.entry.hourly_price?.source ?? "") },
  ];
  const caption = `Prices in ${count(rows.length, "region")}`;
  return h("section", {}, h("h2", {}, "Price"), h("details", { open: rows.length <= FEW }, h("summary", {}, caption), table({ caption, columns, rows, all: true })));
}

function keptOut(instance, ctx) {
  const body = h("p", { class: "waiting" }, "Reading the quarantine");
  load("quarantine.json").then(
    (sessions) => {
      const own = sessions.filter((one) => one.subject === instance);
      body.className = "note";
      fill(
        body,
        own.length
          ? [h("a", { href: address("quarantine", [], { q: instance, pick: ctx.query.pick }) }, `${count(own.length, "session")} of this type kept out`), ", each with the reason."]
          : "No session of this type was kept out.",
      );
    },
    (error) => {
      body.className = "fault";
      body.textContent = error.message;
    },
  );
  return h("section", {}, h("h2", {}, "Kept out"), body);
}
