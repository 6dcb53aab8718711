// Draws a specification. The chart library comes with the first chart, after the page has been painted.

import { config, theme } from "./theme.js";

let library;

/** Draws `make(look)` into an element, in the colours of the page, and gives a function that takes the chart away. */
export async function draw(element, make) {
  library ??= import("../vendor/vega.js");
  const { vegaEmbed } = await library;
  const look = theme();
  const result = await vegaEmbed(element, make(look), {
    ast: true, // expressions are interpreted: the page allows no eval
    actions: false,
    defaultStyle: false,
    renderer: "svg",
    config: config(look),
    tooltip: (handler, event, item, value) => tooltip(event, value),
  });
  // What surrounds it has the name and the role; the drawing itself has nothing to say.
  element.querySelector("svg")?.setAttribute("aria-hidden", "true");
  return () => {
    tooltip(undefined, undefined);
    result.finalize();
  };
}

function tooltip(event, text) {
  let bubble = document.getElementById("bubble");
  if (!bubble) {
    bubble = document.createElement("div");
    bubble.id = "bubble";
    bubble.setAttribute("aria-hidden", "true");
    document.body.append(bubble);
  }
  bubble.hidden = !text;
  if (!text) return;
  bubble.textContent = text;
  const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - bubble.offsetWidth - 8);
  bubble.style.left = `${Math.max(8, left)}px`;
  bubble.style.top = `${event.clientY + 16}px`;
}
