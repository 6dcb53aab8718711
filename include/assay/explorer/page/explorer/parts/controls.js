// Form controls with their labels. Each has a `data-focus`, so that it keeps the focus when what is around it changes.

import { h } from "../dom.js";

/** A labelled list. `options`: [value, text] pairs, or { label, options } for a group of them. */
export function select({ id, label, options, value, change, hint }) {
  const option = ([key, text]) => h("option", { value: key, selected: key === value }, text);
  const inside = options.map((one) => (Array.isArray(one) ? option(one) : h("optgroup", { label: one.label }, one.options.map(option))));
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    h("select", { id, data: { focus: id }, "aria-describedby": hint && `${id}-hint`, on: { change: (event) => change(event.target.value) } }, inside),
    hint && h("p", { id: `${id}-hint`, class: "hint" }, hint),
  );
}

/** A labelled input. `type`: search or number. */
export function input({ id, label, type, value, change, placeholder, hint, step, min }) {
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    h("input", {
      id,
      type,
      value,
      placeholder,
      step,
      min,
      autocomplete: "off",
      spellcheck: "false",
      data: { focus: id },
      "aria-describedby": hint && `${id}-hint`,
      on: { input: (event) => change(event.target.value) },
    }),
    hint && h("p", { id: `${id}-hint`, class: "hint" }, hint),
  );
}

/** Checkboxes under one heading. `options`: { value, text, count, mark }. */
export function checkboxes({ id, label, options, chosen, change }) {
  const flip = (value, on) => (on ? [...chosen, value] : chosen.filter((one) => one !== value));
  return h(
    "fieldset",
    {},
    h("legend", {}, label),
    options.map(({ value, text, count, mark }) =>
      h(
        "label",
        { class: "check" },
        h("input", {
          type: "checkbox",
          checked: chosen.includes(value),
          data: { focus: `${id}-${value}` },
          on: { change: (event) => change(flip(value, event.target.checked)) },
        }),
        mark && h("span", { class: `mark ${mark}`, "aria-hidden": "true" }),
        h("span", {}, text),
        count !== undefined && h("span", { class: "count" }, count.toLocaleString("en-US")),
      ),
    ),
  );
}

/** Buttons of which one is pressed. `options`: [value, text] pairs. */
export function choice({ id, label, options, value, change }) {
  return h(
    "div",
    { class: "choice", role: "group", "aria-label": label },
    options.map(([key, text]) =>
      h(
        "button",
        { type: "button", "aria-pressed": String(key === value), data: { focus: `${id}-${key}` }, on: { click: () => change(key) } },
        text,
      ),
    ),
  );
}

/** What was chosen, each with a button that takes it away. */
export function chips({ id, values, remove, word }) {
  if (!values.length) return null;
  return h(
    "ul",
    { class: "chips" },
    values.map((value) =>
      h(
        "li",
        {},
        h(
          "button",
          { type: "button", data: { focus: `${id}-${value}` }, "aria-label": `Remove ${word} ${value}`, on: { click: () => remove(value) } },
          value,
          h("span", { "aria-hidden": "true" }, "\u00D7"),
        ),
      ),
    ),
  );
}
