// How a quantity is shown: the number, its interval, how sure it is. The exact number is the `value` of the element.

import { h, svg } from "../dom.js";
import { exact, fixed, significant } from "../format.js";
import { DERIVED, MEASURED, PROVISIONAL } from "../model.js";
import { address } from "../route.js";

/** A number with fixed decimals, or with four significant digits where no decimals are given. */
export function number(value, decimals) {
  const shown = decimals === undefined ? significant(value) : fixed(value, decimals);
  return h("data", { value: String(value), title: exact(value) === shown ? undefined : exact(value) }, shown);
}

/** The interval, or a dash that says that there is none. */
export function interval(quantity, decimals) {
  if (!quantity.confidence_interval) return nothing("no interval");
  const [low, high] = quantity.confidence_interval;
  return h("span", { class: "interval" }, number(low, decimals), h("span", {}, " to "), number(high, decimals));
}

/** A dash with words for those who cannot see it. */
export function nothing(words) {
  return h("span", { class: "nothing" }, h("span", { "aria-hidden": "true" }, "\u2013"), h("span", { class: "unseen" }, words));
}

/** What a reader must know before believing the number; nothing for a measured one. `counted`: whether it says n. */
export function state(cell, counted = true) {
  if (cell.state === PROVISIONAL) {
    const n = cell.quantity.sample_size;
    return h("span", { class: "tag provisional" }, n === undefined || !counted ? "provisional" : `provisional, n\u2009=\u2009${n}`);
  }
  if (cell.state === DERIVED) return h("span", { class: "tag" }, "derived");
  return null;
}

/** The mark of a machine that runs on CPU credits; nothing for any other. */
export function burstable(machine) {
  if (!machine?.burstable) return null;
  return h("span", { class: "tag", title: "Runs on CPU credits: its numbers depend on those that it had left" }, "burstable");
}

/** The grade of a quantity. */
export function grade(quantity, grades) {
  if (!quantity.quality) return nothing("no grade");
  return h("span", { class: `grade grade-${quantity.quality}`, title: grades?.[quantity.quality] }, quantity.quality);
}

/** A bar from zero with the interval across its end; decoration beside the numbers. */
export function bar(cell, largest, architecture) {
  const { value, confidence_interval: bounds } = cell.quantity;
  const at = (number) => Math.max(0, Math.min(100, (100 * number) / largest)).toFixed(2);
  const solid = cell.state === MEASURED || cell.state === DERIVED;
  return svg(
    "svg",
    { class: `bar ${architecture}`, viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true", focusable: "false" },
    svg("rect", { class: solid ? "solid" : "hollow", x: 0, y: 2, width: at(value), height: 8 }),
    bounds && svg("path", { class: "whisker", d: `M${at(bounds[0])} 6H${at(bounds[1])}M${at(bounds[0])} 3v6M${at(bounds[1])} 3v6` }),
  );
}

/** A number that leads to where it comes from. */
export function sourceLink(ctx, metric, group, cell, shown) {
  const conf = group === metric.groups[0] ? "" : group.id;
  const href = address("source", [cell.instance, metric.id], { conf, pick: ctx.query.pick });
  return h("a", { class: "figure", href, title: "Where this number comes from" }, shown);
}
