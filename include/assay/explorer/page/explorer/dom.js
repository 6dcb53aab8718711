// Elements from plain data. Text is always a text node: nothing that comes from a document is ever parsed as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. `attributes`: `on` holds listeners, `data` data attributes; false, null and undefined are left out. */
export function h(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** Replaces what is inside an element, and keeps the focus on what carries the same `data-focus`. */
export function fill(element, ...children) {
  const inside = element.contains(document.activeElement) ? document.activeElement.dataset.focus : undefined;
  element.replaceChildren(...nodes(children));
  if (inside !== undefined) {
    element.querySelector(`[data-focus="${CSS.escape(inside)}"]`)?.focus({ preventScroll: true });
  }
  return element;
}

/** Says something to a screen reader. */
export function announce(text) {
  const announcer = document.getElementById("announcer");
  if (announcer.textContent !== text) announcer.textContent = text;
}

/** Calls `run` once the calls have stopped for some milliseconds. */
export function settled(run, milliseconds = 150) {
  let waiting;
  return (...given) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => run(...given), milliseconds);
  };
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false && child !== "");
}
