// From a group's cells to the rows of a table: joined with machine and price, filtered, sorted. Pure.

import { MEASURED } from "./model.js";
import { costOf, perDollarOf, priceOf } from "./prices.js";

/** One row for each cell of a group. */
export function rowsOf(dataset, group, prices, region) {
  return group.cells.map((cell) => {
    const machine = dataset.machines.get(cell.instance);
    return {
      instance: cell.instance,
      cell,
      machine,
      architecture: machine.architecture,
      family: machine.instance_family,
      rank: cell.state === MEASURED ? group.ranking?.ranks.get(cell.instance) : undefined,
      price: priceOf(prices, cell.instance, region),
      perDollar: cell.state === MEASURED ? perDollarOf(prices, cell.instance, region, group.ranking?.name) : undefined,
      cost: cell.state === MEASURED ? costOf(prices, cell.instance, region, group.ranking?.name) : undefined,
    };
  });
}

/** Whether a row passes. `filter`: { words, architectures, families, intervalOnly, maxPrice }, each empty for all. */
export function passes(row, filter) {
  if (filter.architectures.length && !filter.architectures.includes(row.architecture)) return false;
  if (filter.families.length && !filter.families.includes(row.family)) return false;
  if (filter.intervalOnly && row.cell.state !== MEASURED) return false;
  if (filter.maxPrice !== undefined && !(row.price && row.price.value <= filter.maxPrice)) return false;
  if (!filter.words.length) return true;
  const text = `${row.instance} ${row.family} ${row.architecture} ${row.machine.processor ?? ""}`.toLowerCase();
  return filter.words.every((word) => text.includes(word));
}

/** Rows in order. `order`: `value` up, `-value` down; what is absent comes last, equal rows by the type's name. */
export function sorted(rows, columns, order) {
  const down = order.startsWith("-");
  const column = columns.find((one) => one.id === (down ? order.slice(1) : order));
  if (!column) return rows;
  const by = natural.compare;
  return [...rows].sort((a, b) => {
    const [left, right] = [column.key(a), column.key(b)];
    if (left === undefined || right === undefined) {
      return left === right ? by(a.instance, b.instance) : left === undefined ? 1 : -1;
    }
    const difference = typeof left === "number" ? left - right : by(left, right);
    return (down ? -difference : difference) || by(a.instance, b.instance);
  });
}

/** How many rows there are of each value, most first. */
export function counted(rows, key) {
  const counts = new Map();
  for (const row of rows) counts.set(key(row), (counts.get(key(row)) ?? 0) + 1);
  return [...counts.entries()].sort(([a], [b]) => natural.compare(a, b));
}

const natural = new Intl.Collator("en", { numeric: true });
