// Where a number comes from: value, configuration, sessions, raw files with their hashes. All of it from the published documents.

import { h } from "../dom.js";
import { bytes, count, exact, sessionTime, significant } from "../format.js";
import { LATEST, addressOf, load } from "../load.js";
import { groupOf } from "../model.js";
import { state } from "../parts/quantity.js";
import { table } from "../parts/table.js";
import { address } from "../route.js";
import { CONFIGURATION, benchmark, field } from "../words.js";

const OPEN = 3;

export async function source(ctx) {
  const [instance, id] = ctx.rest;
  const metric = ctx.data.dataset.metrics.get(id);
  const group = metric && groupOf(metric, ctx.query.conf);
  const cell = group?.cells.find((one) => one.instance === instance) ?? metric?.cells.find((one) => one.instance === instance);
  if (!cell) {
    return { title: "No such value", nodes: [h("h1", {}, "No such value in this snapshot"), h("p", {}, "The address names a type or a metric that is not published. ", h("a", { href: address("explore") }, "Explore what is"), ".")] };
  }
  const manifest = await load("manifest.json");
  const listed = new Map(manifest.sessions.map((one) => [one.session, one]));
  const { quantity } = cell;
  return {
    title: `Where ${instance} ${field(metric.field)} comes from`,
    nodes: [
      h(
        "div",
        { class: "headline" },
        h("h1", {}, h("span", { class: "over" }, `${instance}, ${benchmark(metric.benchmark)}`), field(metric.field)),
        h("p", { class: "lead" }, "The way from the published number back to the bytes that a tool printed. Nothing here is looked up elsewhere: it stands in the snapshot."),
      ),
      h(
        "ol",
        { class: "way" },
        h("li", {}, h("h2", {}, "The published value"), valueOf(ctx, cell), factsOf(quantity)),
        h("li", {}, h("h2", {}, "What it may be compared with"), configurationOf(ctx.data.dataset.configurations[quantity.configuration])),
        h("li", {}, h("h2", {}, count(sessionsOf(cell).length, "session")), warningsOf(cell), sessionsOf(cell).map((name, at) => sessionOf(listed.get(name), name, at < OPEN))),
        h("li", {}, h("h2", {}, "Check it yourself"), checkOf(cell)),
      ),
      h("p", {}, h("a", { href: address("type", [instance], { pick: ctx.query.pick }) }, `Everything about ${instance}`)),
    ],
  };
}

/** The sessions behind a value: where it names fewer than it has, they are those of its entry. */
function sessionsOf({ quantity, all }) {
  const own = quantity.sources ?? [];
  return (quantity.sessions ?? 0) > own.length ? (all ?? own) : own;
}

function valueOf(ctx, cell) {
  const { quantity, document } = cell;
  return h(
    "p",
    { class: "value" },
    h("data", { value: String(quantity.value), id: "value" }, exact(quantity.value)),
    ` ${quantity.unit} `,
    state(cell),
    h("span", { class: "small block" }, "in ", h("a", { href: addressOf(LATEST + document) }, document), " at ", h("code", {}, pointer(cell.path))),
  );
}

function factsOf(quantity) {
  const bounds = quantity.confidence_interval;
  const pairs = [
    ["Interval", bounds && `${exact(bounds[0])} to ${exact(bounds[1])} ${quantity.unit}`],
    ["Confidence", quantity.confidence_level !== undefined && `${significant(100 * quantity.confidence_level, 4)} %`],
    ["Executions (n)", quantity.sample_size],
    ["Sessions", quantity.sessions],
    ["Mean", quantity.mean !== undefined && `${exact(quantity.mean)} ${quantity.unit}`],
    ["Coefficient of variation", quantity.coefficient_variation !== undefined && `${exact(quantity.coefficient_variation)} %`],
    ["Outliers, all counted", quantity.outliers],
    ["Grade", quantity.quality],
    ["Theoretical peak", quantity.theoretical_peak !== undefined && `${exact(quantity.theoretical_peak)} ${quantity.unit}`],
    ["Efficiency", quantity.efficiency_percent !== undefined && `${exact(quantity.efficiency_percent)} %`],
  ];
  return facts(pairs);
}

function configurationOf(about) {
  if (!about) return h("p", {}, "Derived from other values of this type; the formulas are in the documentation.");
  return facts(Object.entries(CONFIGURATION).map(([key, word]) => [word, about[key]]));
}

function warningsOf(cell) {
  const warnings = Object.entries(cell.warnings ?? {});
  if (!warnings.length) return null;
  return h("p", { class: "note" }, "Rules that warned, without keeping anything out: ", warnings.map(([rule, number], at) => [at > 0 && ", ", h("span", { class: "mono" }, rule), ` (${count(number, "session")})`]), ".");
}

function sessionOf(session, name, open) {
  if (!session) return h("p", { class: "fault" }, `Session ${name} is not in manifest.json: this number cannot be traced.`);
  const columns = [
    { id: "path", title: "Raw file", header: true, cell: (file) => h("span", { class: "mono" }, file.path) },
    { id: "bytes", title: "Size", numeric: true, cell: (file) => h("data", { value: String(file.bytes) }, bytes(file.bytes)) },
    { id: "sha256", title: "SHA-256", cell: (file) => h("code", { class: "hash" }, file.sha256) },
  ];
  const caption = `Raw files of session ${session.session}`;
  return h(
    "details",
    { open, class: "session" },
    h("summary", {}, h("span", { class: "mono" }, session.session), ` ${sessionTime(session.session)}, ${count(session.files.length, "raw file")}`),
    h("p", { class: "small" }, "Manifest: SHA-256 ", h("code", { class: "hash" }, session.manifest_sha256)),
    table({ caption, columns, rows: session.files, all: true }),
  );
}

function checkOf(cell) {
  const command = `assay trace ${cell.document} '${pointer(cell.path)}'`;
  return [
    h("p", {}, "Where the dataset is made, this command follows the same way and adds the verdict of every rule:"),
    h("pre", { tabindex: "0" }, h("code", {}, command)),
    h("p", {}, "With a raw file at hand, ", h("code", {}, "sha256sum"), " gives the hash above, or the file is another one."),
  ];
}

function facts(pairs) {
  const given = pairs.filter(([, text]) => text !== undefined && text !== false && text !== "");
  return h("dl", { class: "facts" }, given.map(([word, text]) => h("div", {}, h("dt", {}, word), h("dd", {}, String(text)))));
}

function pointer(path) {
  return `/${path.map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1")).join("/")}`;
}
