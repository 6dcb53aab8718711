// A table whose columns sort: real buttons in the headers, `aria-sort` on the column, a scrolling region with a name.

import { h } from "../dom.js";

const MANY = 400;

/**
 * A table. `columns`: { id, title, cell(row), key?(row), numeric?, wide?, first? ("down": large numbers first), header? }; a column with
 * `key` sorts. `order`: as rows.sorted takes it. `sort(order)`: called with the new order. Long tables end in a button for the rest.
 */
export function table({ caption, columns, rows, order = "", sort, all = false, showAll }) {
  const shown = all || rows.length <= MANY ? rows : rows.slice(0, MANY);
  return h(
    "div",
    { class: "sheet" },
    h(
      "div",
      { class: "scroll", role: "region", "aria-label": caption, tabindex: "0" },
      h(
        "table",
        {},
        h("caption", { class: "unseen" }, caption),
        h("thead", {}, h("tr", {}, columns.map((column) => headerOf(column, order, sort)))),
        h("tbody", {}, shown.map((row) => h("tr", { class: row.highlight && "picked" }, columns.map((column) => cellOf(column, row))))),
      ),
    ),
    shown.length < rows.length &&
      h(
        "p",
        { class: "more" },
        h("button", { type: "button", data: { focus: "all" }, on: { click: showAll } }, `Show all ${rows.length.toLocaleString("en-US")} rows`),
      ),
  );
}

function headerOf(column, order, sort) {
  const down = order === `-${column.id}`;
  const up = order === column.id;
  const classes = [column.numeric && "numeric", column.wide && "wide", column.class].filter(Boolean).join(" ");
  if (!column.key || !sort) return h("th", { scope: "col", class: classes || undefined }, column.title);
  const next = down ? column.id : up ? `-${column.id}` : column.first === "down" ? `-${column.id}` : column.id;
  return h(
    "th",
    { scope: "col", class: classes || undefined, "aria-sort": down ? "descending" : up ? "ascending" : undefined },
    h(
      "button",
      { type: "button", class: "sorter", data: { focus: `sort-${column.id}` }, on: { click: () => sort(next) } },
      column.title,
      h("span", { class: "arrow", "aria-hidden": "true" }, down ? "\u25BC" : up ? "\u25B2" : "\u25B3"),
    ),
  );
}

function cellOf(column, row) {
  const classes = [column.numeric && "numeric", column.wide && "wide", column.class].filter(Boolean).join(" ") || undefined;
  return column.header ? h("th", { scope: "row", class: classes }, column.cell(row)) : h("td", { class: classes }, column.cell(row));
}
