// Starts the page: reads the documents, then shows the view that the address names, again and again.

import { announce, fill, h } from "./dom.js";
import { load } from "./load.js";
import { openDataset } from "./model.js";
import { MOST, credit, places, tray } from "./parts/frame.js";
import { openPrices } from "./prices.js";
import { address, list, parse } from "./route.js";
import { about } from "./views/about.js";
import { compare } from "./views/compare.js";
import { explore } from "./views/explore.js";
import { quarantine } from "./views/quarantine.js";
import { source } from "./views/source.js";
import { type } from "./views/type.js";

const VIEWS = { explore, type, compare, quarantine, source, about };
const CORE = ["memory-benchmarks.json", "cpu-benchmarks.json", "microarch-benchmarks.json", "instance-rankings.json"];

const PREDICTIONS = "predictions.json";
const PATIENCE_MS = 250; // what comes this much later than the core documents is put in when it comes

const main = document.getElementById("main");
let data;
let shown;
let turn = 0;

async function start() {
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault(); // the part behind `#` names a view
    main.focus();
  });
  places(parse(location.hash).view, []);
  try {
    const metadata = await load("metadata.json");
    credit(metadata);
    const further = Promise.all([load("price-performance.json"), has(metadata, PREDICTIONS) ? load(PREDICTIONS) : undefined]);
    further.catch(() => {}); // told below, once
    const documents = await Promise.all(CORE.map(load));
    const dataset = openDataset(Object.fromEntries(CORE.map((name, at) => [name, documents[at]])));
    data = { metadata, dataset, prices: openPrices(undefined), predictions: undefined };
    const early = await Promise.race([further, new Promise((go) => setTimeout(go, PATIENCE_MS))]);
    if (early) complete(early);
    addEventListener("hashchange", render);
    await render();
    if (!early) {
      const words = h("p", { "aria-busy": "true" }, "Prices and estimates are on their way.");
      document.getElementById("colophon").append(words);
      complete(await further);
      await render();
      words.remove();
    }
  } catch (error) {
    fail(error);
  }
}

function complete([prices, predictions]) {
  data = { ...data, prices: openPrices(prices), predictions };
}

async function render() {
  const now = ++turn;
  const { view, rest, query } = parse(location.hash);
  const make = VIEWS[view];
  const pick = list(query.pick).slice(0, MOST);
  places(view, pick);
  const ctx = { data, rest, query, pick, set: (changes) => go(view, rest, { ...query, ...changes }), refine: (changes) => refine(view, rest, query, changes), toggle };
  let content;
  try {
    content = make ? await make(ctx) : nowhere();
  } catch (error) {
    fail(error);
    return;
  }
  if (now !== turn) return;
  tray({ pick, view, query, unpick: toggle });
  fill(main, content.nodes);
  document.title = `${content.title} \u2013 Assay, ${data.metadata.dataset}`;
  main.dataset.view = view;
  const place = [view, ...rest].join("/");
  if (shown !== undefined && shown !== place) {
    scrollTo(0, 0);
    main.focus({ preventScroll: true });
    announce(content.title);
  }
  shown = place;
}

function go(view, rest, query) {
  const next = address(view, rest, query);
  if (next === location.hash) render();
  else location.hash = next;
}

function refine(view, rest, query, changes) {
  Object.assign(query, changes);
  history.replaceState(null, "", address(view, rest, query));
}

/** Takes a type into the comparison, or out of it. `box`: the checkbox that asked. */
function toggle(instance, box) {
  const { view, rest, query } = parse(location.hash);
  const pick = list(query.pick);
  if (!pick.includes(instance) && pick.length >= MOST) {
    if (box) box.checked = false;
    announce(`${MOST} types are chosen already. Remove one to choose ${instance}.`);
    document.getElementById("tray").classList.add("full");
    return;
  }
  document.getElementById("tray").classList.remove("full");
  const next = pick.includes(instance) ? pick.filter((one) => one !== instance) : [...pick, instance];
  go(view, rest, { ...query, pick: next.join(",") });
}

function has(metadata, name) {
  return metadata.documents.some((one) => one.path === name);
}

function nowhere() {
  return { title: "No such page", nodes: [h("h1", {}, "There is no such page"), h("p", {}, "The address may be cut short. ", h("a", { href: address("explore") }, "Explore the data"), ".")] };
}

function fail(error) {
  console.warn(error);
  fill(main, h("h1", {}, "The data could not be shown"), h("p", { class: "fault", role: "alert" }, error.message), h("p", {}, h("button", { type: "button", on: { click: () => location.reload() } }, "Try again")));
}

start();
