// A chart with a name, and with words while it is on its way or when it cannot be drawn.

import { draw } from "../charts/draw.js";
import { h } from "../dom.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** A figure. `make(look)`: its specification. `label`: what the chart says, in one sentence. */
export function figure({ label, caption, make }) {
  const canvas = h("div", { class: "canvas", role: "img", "aria-label": label });
  const words = h("p", { class: "waiting" }, "Drawing the chart");
  const element = h("figure", {}, caption && h("figcaption", {}, caption), words, canvas);
  let remove = () => {};
  const redraw = async () => {
    if (!element.isConnected) {
      dark.removeEventListener("change", redraw);
      remove();
      return;
    }
    try {
      remove();
      remove = await draw(canvas, make);
      words.remove();
      canvas.dataset.drawn = "yes";
    } catch (error) {
      words.textContent = "The chart could not be drawn; the table has the same numbers.";
      words.className = "fault";
      if (!element.contains(words)) element.append(words);
      console.warn(error);
    }
  };
  dark.addEventListener("change", redraw);
  afterPaint(redraw);
  return element;
}

function afterPaint(run) {
  requestAnimationFrame(() => setTimeout(run, 0));
}
