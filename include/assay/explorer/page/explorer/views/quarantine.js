// What was kept out of the dataset, and why.

import { announce, fill, h, settled } from "../dom.js";
import { count, sessionTime } from "../format.js";
import { load } from "../load.js";
import { input, select } from "../parts/controls.js";
import { table } from "../parts/table.js";

export async function quarantine(ctx) {
  const sessions = await load("quarantine.json");
  const rules = new Map();
  for (const session of sessions) for (const rule of new Set(session.reasons.map((reason) => reason.rule))) rules.set(rule, (rules.get(rule) ?? 0) + 1);
  const results = h("div", {});
  const show = () => fill(results, resultsOf(ctx, sessions));
  show();
  const typed = settled((q) => {
    ctx.refine({ q });
    show();
  });
  const { accounting } = ctx.data.metadata;
  return {
    title: "Quarantine",
    nodes: [
      h(
        "div",
        { class: "headline" },
        h("h1", {}, "Quarantine"),
        h("p", { class: "lead" }, `${count(accounting.quarantined, "session")} of ${accounting.read.toLocaleString("en-US")} read broke a rule and went into no number here. Nothing is deleted: the raw files are kept, with the reason.`),
      ),
      sessions.length > 0 &&
        h(
          "div",
          { class: "row", role: "search", "aria-label": "Filter the sessions" },
          input({ id: "find", label: "Find a type or session", type: "search", value: ctx.query.q ?? "", change: typed }),
          select({
            id: "rule",
            label: "Rule",
            options: [["", "Every rule"], ...[...rules].sort((a, b) => b[1] - a[1]).map(([rule, number]) => [rule, `${rule} (${number})`])],
            value: ctx.query.rule ?? "",
            change: (rule) => ctx.set({ rule }),
          }),
        ),
      results,
    ],
  };
}

function resultsOf(ctx, sessions) {
  const words = (ctx.query.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const { rule } = ctx.query;
  const rows = sessions.filter((one) => {
    const text = `${one.subject} ${one.session}`.toLowerCase();
    return words.every((word) => text.includes(word)) && (!rule || one.reasons.some((reason) => reason.rule === rule));
  });
  const summary = `${count(rows.length, "session")}.`;
  announce(summary);
  if (!sessions.length) return h("p", { class: "empty" }, "Nothing was kept out: every session passed every rule.");
  if (!rows.length) return h("p", { class: "empty" }, "No session that was kept out matches.");
  const columns = [
    { id: "subject", title: "Type", header: true, cell: (row) => [row.subject, h("span", { class: "below", "aria-hidden": "true" }, sessionTime(row.session))] },
    { id: "session", title: "Session", wide: true, cell: (row) => [h("span", { class: "mono" }, row.session), h("span", { class: "small block" }, sessionTime(row.session))] },
    { id: "reasons", title: "Why", class: "prose", cell: (row) => h("ul", { class: "reasons" }, row.reasons.map(reasonOf)) },
  ];
  return [
    h("p", { class: "summary" }, summary),
    table({ caption: "Sessions that were kept out", columns, rows, all: ctx.query.rows === "all", showAll: () => ctx.set({ rows: "all" }) }),
  ];
}

function reasonOf(reason) {
  return h(
    "li",
    {},
    h("span", { class: "mono rule" }, reason.rule),
    h("span", { class: "block" }, reason.message),
    (reason.value || reason.expected) &&
      h("span", { class: "small block" }, reason.value && `Found ${reason.value}. `, reason.expected && `Expected ${reason.expected}.`),
  );
}
