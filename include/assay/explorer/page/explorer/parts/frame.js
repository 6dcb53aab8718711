// What surrounds every view: name of the dataset, places to go, the types that were chosen to be compared, and credit.

import { fill, h } from "../dom.js";
import { address } from "../route.js";

export const MOST = 5;

const PLACES = [
  ["explore", "Explore"],
  ["compare", "Compare"],
  ["quarantine", "Quarantine"],
  ["about", "About"],
];

/** Shows where one is and where one can go; what was picked goes along. */
export function places(view, pick) {
  fill(
    document.getElementById("places"),
    h(
      "ul",
      {},
      PLACES.map(([name, text]) =>
        h("li", {}, h("a", { href: address(name, [], { pick: pick.join(",") }), "aria-current": name === view ? "page" : undefined }, text)),
      ),
    ),
  );
}

/** The picked types, with the way to compare them. */
export function tray({ pick, view, query, unpick }) {
  const element = document.getElementById("tray");
  element.hidden = pick.length === 0 || view === "compare";
  const onward = address("compare", [], { metric: query.metric, conf: query.conf, pick: pick.join(",") });
  fill(
    element,
    h("p", {}, `${pick.length} of ${MOST} to compare`),
    h(
      "ul",
      { class: "chips" },
      pick.map((name) =>
        h(
          "li",
          {},
          h(
            "button",
            { type: "button", "aria-label": `Remove ${name}`, data: { focus: `tray-${name}` }, on: { click: () => unpick(name) } },
            name,
            h("span", { "aria-hidden": "true" }, "\u00D7"),
          ),
        ),
      ),
    ),
    h("a", { class: "button", href: onward }, pick.length < 2 ? "Open" : "Compare"),
  );
}

/** Name and credit of the dataset. */
export function credit(metadata) {
  document.getElementById("dataset").textContent = metadata.dataset === "default" ? "dataset" : `dataset ${metadata.dataset}`;
  const sources = metadata.attribution.map((one) => {
    const name = isWeb(one.url) ? h("a", { href: one.url, rel: "external" }, one.attribution) : one.attribution;
    return [name, ` (${one.licence})`];
  });
  fill(
    document.getElementById("colophon"),
    h("p", {}, `Data: ${metadata.licence}. `, sources.length > 0 && ["Credit: ", sources.map((one, at) => [at > 0 && "; ", one]), ". "]),
    h("p", {}, "Up to the session that ended ", h("time", { datetime: metadata.last_updated }, metadata.last_updated.replace("T", " ").replace("Z", " UTC")), "."),
  );
}

function isWeb(url) {
  return /^https?:\/\//.test(url ?? "");
}
