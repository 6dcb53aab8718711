/**
 * Reads a published dataset in a browser or in Node (18 or later): one ES module, no dependencies. Types: assay.d.ts beside it.
 *
 *     import { openDataset } from "https://example.org/dataset/data/api/assay.js";
 *     const dataset = openDataset("https://example.org/dataset/");
 *     const rows = await dataset.results({ benchmark: "stream", metric: "triad_bandwidth" });
 *
 * Every document is checked against the SHA-256 in the snapshot's manifest before a number is read from it.
 */

export const MAX_COMPARED = 10;

/** Units of times: a smaller number is the better one. */
export const LOWER_IS_BETTER = new Set(["nanoseconds", "milliseconds", "seconds", "cycles"]);

const CORE = ["memory-benchmarks.json", "cpu-benchmarks.json", "microarch-benchmarks.json"];
const MICROARCH = CORE[2];
const MANIFEST = "manifest.json";
const MAX_BYTES = 256 * 1024 * 1024;
const AGAIN = new Set([408, 425, 429, 500, 502, 503, 504]);
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const SNAPSHOT = /^(latest|\d{4}-\d{2}-\d{2}(\.\d{1,4})?)$/;
const DOCUMENT = /^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+$/;
const SNAPSHOT_FOLDER = /^(.*?)\/?data\/processed\/(?:(latest)|v1\.0\/([^/]+))\/*$/;

/** What this module throws. `code`: `unreachable`, `not-published`, `corrupt`, `superseded` or `usage`. */
export class AssayClientError extends Error {
  constructor(code, message) {
    super(message);
    this.name = "AssayClientError";
    this.code = code;
  }
}

/** Copies by URL in the memory of this program: `{ etag, body }`. Give your own object with `get` and `set` to keep them longer. */
export class MemoryCache {
  #copies = new Map();

  async get(url) {
    return this.#copies.get(url);
  }

  async set(url, copy) {
    this.#copies.set(url, copy);
  }
}

const shared = new MemoryCache();

/** A snapshot behind a base URL: the root of the site, or the folder of a snapshot below it. Nothing is fetched yet. */
export function openDataset(base, options = {}) {
  return new Dataset(base, options);
}

export class Dataset {
  #root;
  #options;
  #documents = new Map();
  #manifest;
  #seen = false; // whether a document of this manifest was given out

  constructor(base, options = {}) {
    const text = String(base);
    const url = parsed(text);
    if (url && !["http:", "https:"].includes(url.protocol)) {
      throw new AssayClientError("usage", `${text}: expected http:// or https://`);
    }
    if (url && (url.username || url.password)) {
      throw new AssayClientError("usage", "the base URL holds a name or a password; give them as `headers`");
    }
    const [root, named] = splitBase(text);
    this.snapshot = options.snapshot ?? named ?? "latest";
    if (!SNAPSHOT.test(this.snapshot)) {
      throw new AssayClientError("usage", `snapshot: found ${this.snapshot}; expected latest or a day such as 2024-11-20`);
    }
    this.base = root;
    this.#root = `${root}data/processed/${this.snapshot === "latest" ? "latest" : `v1.0/${this.snapshot}`}/`;
    // A page without TLS has no crypto.subtle: there it must be said aloud that hashes are not compared.
    this.verified = options.verify ?? true;
    if (this.verified && !globalThis.crypto?.subtle) {
      throw new AssayClientError("usage", "no crypto.subtle here (a page without https): pass { verify: false } to read unverified");
    }
    this.#options = {
      fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
      headers: options.headers ?? {},
      cache: options.cache === undefined ? shared : options.cache,
      timeoutMs: options.timeoutMs ?? 30_000,
      maxBytes: options.maxBytes ?? MAX_BYTES,
      attempts: options.attempts ?? 4,
      pauseMs: options.pauseMs ?? FIRST_PAUSE_MS,
      // A browser asks by itself whether its copy is still the newest; a condition of ours would cost a preflight request.
      conditional: options.conditional ?? typeof window === "undefined",
    };
  }

  /** A JSON document of the snapshot, decoded, its bytes checked against the manifest. */
  async document(name) {
    return decoded(name, await this.read(name));
  }

  /** A file of the snapshot as bytes, checked. One request, however often it is asked for. */
  async read(name) {
    if (!DOCUMENT.test(name)) throw new AssayClientError("not-published", `${name}: is no name of a document`);
    if (name === MANIFEST) return (await this.#listed()).bytes;
    if (!this.#documents.has(name)) {
      const waiting = this.#fetched(name);
      this.#documents.set(name, waiting);
      waiting.catch(() => this.#documents.delete(name));
    }
    return this.#documents.get(name);
  }

  /** The names of the snapshot's files, sorted. */
  async documents() {
    return [...(await this.#listed()).files.keys()].sort();
  }

  /** metadata.json: licence, attribution, counts, accounting, what the quality grades mean. */
  async metadata() {
    return this.document("metadata.json");
  }

  /** Every published number, one object each, filtered; see Result in assay.d.ts. */
  async results(filter = {}) {
    const [memory, cpu, microarch] = await Promise.all(CORE.map((name) => this.document(name)));
    const rows = [...ofCore(CORE[0], memory), ...ofCore(CORE[1], cpu), ...ofMicroarch(microarch)];
    return rows.filter((row) => passes(row, filter));
  }

  /** One ranking (`triad_bandwidth`), best first, those types that the filter lets pass; ranks stay those of the whole. */
  async rank(ranking, filter = {}) {
    const document = await this.document("instance-rankings.json");
    const found = document.rankings[ranking];
    if (!found) {
      const there = Object.keys(document.rankings).slice(0, 8).join(", ");
      throw new AssayClientError("not-published", `${ranking}: no such ranking; there are ${there}`);
    }
    const rows = found.ranks.map((rank) => ({ ...rank, unit: found.unit, higher_is_better: found.higher_is_better }));
    if (!Object.keys(filter).length) return rows;
    const machines = new Map((await this.results()).map((row) => [row.instance, row]));
    return rows.filter((row) => passes({ ...machines.get(row.instance), instance: row.instance }, filter));
  }

  /** The names of every ranking. */
  async rankings() {
    return Object.keys((await this.document("instance-rankings.json")).rankings);
  }

  /** Up to MAX_COMPARED types side by side, with the ratio to the first, its interval, and what can be said; see Comparison. */
  async compare(instances, filter = {}) {
    return compareResults(await this.results({ ...filter, variants: false }), instances);
  }

  /** Hourly prices and what a dollar buys, one object a type, region and metric; see Price. */
  async prices(filter = {}) {
    const document = await this.document("price-performance.json");
    const rows = [];
    for (const [instance, regions] of Object.entries(document.instances)) {
      for (const [region, said] of Object.entries(regions)) {
        const about = { instance, region, currency: document.currency, price: said.hourly_price?.value ?? null };
        if (said.hourly_price) Object.assign(about, { source: said.hourly_price.source, as_of: said.hourly_price.as_of });
        if (said.reason) about.reason = said.reason;
        const bought = Object.entries(said.value_per_dollar ?? {});
        for (const [metric, what] of bought) rows.push({ ...about, metric, value_per_dollar: what.value, unit: what.unit });
        if (!bought.length) rows.push(about);
      }
    }
    return rows.filter((row) => passes(row, filter));
  }

  /** The series of trends.json: `{ instance, ranking, unit, points, change_points }`. */
  async trends(filter = {}) {
    const document = await this.document("trends.json");
    const rows = Object.entries(document.series).flatMap(([instance, series]) =>
      Object.entries(series).map(([ranking, one]) => ({ instance, ranking, ...one })),
    );
    return rows.filter((row) => passes(row, filter));
  }

  /** What was kept out of the dataset, and why. */
  async quarantine() {
    return this.document("quarantine.json");
  }

  /** Fetches every file and compares it with the manifest; gives their number. */
  async verify() {
    const names = await this.documents();
    for (const name of names) await this.read(name);
    return names.length;
  }

  async #listed() {
    this.#manifest ??= this.#fetch(MANIFEST, false).then((bytes) => ({ bytes, files: listed(bytes, this.#root) }));
    try {
      return await this.#manifest;
    } catch (error) {
      this.#manifest = undefined;
      throw error;
    }
  }

  async #fetched(name) {
    for (const fresh of [false, true]) {
      if (fresh) await this.#renew(name);
      const { files } = await this.#listed();
      if (!files.has(name)) continue;
      const bytes = await this.#fetch(name, fresh);
      // Another document may have found a newer manifest meanwhile: then these bytes are looked at again.
      if ((await this.#isListed(files.get(name), bytes)) && files === (await this.#listed()).files) {
        this.#seen = true;
        return bytes;
      }
    }
    const { files } = await this.#listed();
    if (files.has(name)) {
      throw new AssayClientError("corrupt", `${this.#root}${name}: its bytes are not those that the manifest names`);
    }
    const there = [...files.keys()].sort().slice(0, 8).join(", ");
    throw new AssayClientError("not-published", `${name}: no such document in snapshot ${this.snapshot}; there are ${there}`);
  }

  /** The manifest fetched anew, for where it and a document contradict each other. Two snapshots are never mixed. */
  async #renew(name) {
    const bytes = await this.#fetch(MANIFEST, true);
    if (same(bytes, (await this.#listed()).bytes)) return;
    if (this.#seen) {
      throw new AssayClientError("superseded", `${name}: a new snapshot was published at ${this.base}; open the dataset again`);
    }
    this.#manifest = Promise.resolve({ bytes, files: listed(bytes, this.#root) });
  }

  async #isListed(entry, bytes) {
    if (entry.bytes !== bytes.byteLength) return false;
    return !this.verified || entry.sha256 === (await sha256(bytes));
  }

  async #fetch(name, fresh) {
    const url = `${this.#root}${name}`;
    const { cache, attempts, pauseMs } = this.#options;
    const copy = fresh || !cache ? undefined : await cache.get(url);
    let last = "";
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      let wait = 0;
      try {
        const answer = await this.#once(url, copy, fresh);
        if (answer.status === 304 && copy) return copy.body;
        if (answer.status === 200) {
          const body = await bounded(answer, url, this.#options.maxBytes);
          const etag = answer.headers.get("etag");
          if (cache && etag) await cache.set(url, { etag, body });
          return body;
        }
        await answer.body?.cancel();
        last = `${answer.status} ${answer.statusText}`.trim();
        if (!AGAIN.has(answer.status)) throw new AssayClientError("not-published", `${url}: ${last}`);
        wait = 1000 * (Number.parseInt(answer.headers.get("retry-after") ?? "0", 10) || 0);
      } catch (error) {
        if (error instanceof AssayClientError) throw error;
        last = `${error.name}: ${error.cause?.code ?? error.message}`;
      }
      if (attempt < attempts) {
        const grown = pauseMs * 2 ** (attempt - 1) * (0.75 + Math.random() / 2);
        await new Promise((resolve) => setTimeout(resolve, Math.min(LONGEST_PAUSE_MS, Math.max(grown, wait))));
      }
    }
    throw new AssayClientError("unreachable", `${url}: no answer in ${attempts} attempts; the last: ${last}`);
  }

  #once(url, copy, fresh) {
    const { fetch, headers, conditional, timeoutMs } = this.#options;
    const condition = conditional && copy?.etag ? { "If-None-Match": copy.etag } : {};
    return fetch(url, {
      headers: { ...headers, ...condition },
      cache: fresh ? "reload" : "no-cache",
      signal: AbortSignal.timeout(timeoutMs),
    });
  }
}

/** Results side by side, in the order of `instances`, the first being what the others are compared with. */
export function compareResults(results, instances) {
  if (instances.length < 2 || instances.length > MAX_COMPARED) {
    throw new AssayClientError("usage", `compare: found ${instances.length} types; expected 2 to ${MAX_COMPARED}`);
  }
  if (new Set(instances).size < instances.length) throw new AssayClientError("usage", "compare: a type is named twice");
  const there = new Set(results.map((row) => row.instance));
  const missing = instances.filter((instance) => !there.has(instance));
  if (missing.length) throw new AssayClientError("not-published", `compare: ${missing.join(", ")}: no such type in this snapshot`);
  const groups = new Map();
  for (const row of results) {
    if (row.derived || row.variant || !instances.includes(row.instance)) continue;
    const name = JSON.stringify([row.benchmark, row.metric]);
    if (!groups.has(name)) groups.set(name, new Map());
    const group = groups.get(name);
    if (!group.has(row.instance) || group.get(row.instance).provisional) group.set(row.instance, row);
  }
  const rows = [];
  for (const name of [...groups.keys()].sort()) {
    const group = groups.get(name);
    const base = group.get(instances[0]);
    if (!base || group.size < 2) continue;
    for (const instance of instances) if (group.has(instance)) rows.push(compared(base, group.get(instance)));
  }
  return rows;
}

/** What can be said of a result beside another of the same metric; differences count where the intervals do not overlap. */
export function verdict(base, other) {
  if (base.unit !== other.unit || base.configuration !== other.configuration) {
    return "not comparable: measured in another configuration";
  }
  if (base.ci_low === null || other.ci_low === null) return "too few executions to tell";
  if (base.ci_low <= other.ci_high && other.ci_low <= base.ci_high) return "no difference beyond noise";
  return other.value > base.value !== LOWER_IS_BETTER.has(base.unit) ? "better" : "worse";
}

function compared(base, other) {
  const { benchmark, metric, unit, instance, value, ci_low, ci_high, n } = other;
  const row = { benchmark, metric, unit, instance, value, ci_low, ci_high, n, ratio: null, ratio_low: null, ratio_high: null };
  if (base === other) return { ...row, ratio: 1, ratio_low: 1, ratio_high: 1, verdict: "baseline" };
  row.verdict = verdict(base, other);
  if (row.verdict.startsWith("not comparable")) return row;
  row.ratio = ratio(value, base.value);
  if (ci_low !== null && base.ci_low !== null) {
    row.ratio_low = ratio(ci_low, base.ci_high);
    row.ratio_high = ratio(ci_high, base.ci_low);
  }
  return row;
}

function* ofCore(document, content) {
  yield* ofContainers(document, content.benchmarks);
  yield* ofContainers(document, content.provisional);
  yield* ofVariants(document, content, [content.benchmarks, content.provisional]);
}

function* ofMicroarch(content) {
  const parts = [...Object.values(content.microarchitecture), ...Object.values(content.provisional)];
  for (const containers of parts) yield* ofContainers(MICROARCH, containers);
  yield* ofVariants(MICROARCH, content, parts);
}

function* ofContainers(document, containers) {
  for (const [benchmark, container] of Object.entries(containers)) {
    for (const [instance, entry] of Object.entries(container)) {
      yield* ofEntry({ instance, ...machine(entry.metadata), benchmark, document, variant: false }, entry);
    }
  }
}

function* ofVariants(document, content, parts) {
  const machines = new Map();
  for (const containers of parts) {
    for (const container of Object.values(containers)) {
      for (const [instance, entry] of Object.entries(container)) machines.set(instance, entry.metadata);
    }
  }
  for (const [benchmark, configurations] of Object.entries(content.variants ?? {})) {
    for (const variant of Object.values(configurations)) {
      for (const [instance, fields] of Object.entries(variant.instances)) {
        yield* ofEntry({ instance, ...machine(machines.get(instance) ?? {}), benchmark, document, variant: true }, fields);
      }
    }
  }
}

function* ofEntry(about, entry) {
  for (const [metric, said] of Object.entries(entry)) {
    if (typeof said === "number" && metric !== "nodes") {
      yield { ...about, metric, value: said, unit: "ratio", ci_low: null, ci_high: null, n: null, provisional: false, derived: true };
    } else if (said && typeof said === "object" && "value" in said && "unit" in said) {
      const [ci_low, ci_high] = said.confidence_interval ?? [null, null];
      yield {
        ...about,
        metric,
        value: said.value,
        unit: said.unit,
        ci_low,
        ci_high,
        n: said.sample_size ?? null,
        sessions: said.sessions ?? null,
        cv: said.coefficient_variation ?? null,
        quality: said.quality ?? null,
        implementation: said.implementation ?? null,
        configuration: said.configuration ?? null,
        provisional: !said.confidence_interval,
        derived: false,
      };
    }
  }
}

function machine(metadata) {
  const { instance_family, architecture, generation = null, vcpus = null } = metadata;
  return { family: instance_family ?? null, architecture: architecture ?? null, generation, vcpus };
}

/** Every field of the filter must fit: a value, or one of several. `provisional: false` leaves those without interval out. */
function passes(row, filter) {
  const { provisional = true, variants = false, ...fields } = filter;
  if ((!provisional && row.provisional) || (!variants && row.variant)) return false;
  return Object.entries(fields).every(([name, wanted]) =>
    wanted === undefined ? true : Array.isArray(wanted) ? wanted.includes(row[name]) : row[name] === wanted,
  );
}

function splitBase(base) {
  const match = SNAPSHOT_FOLDER.exec(base);
  if (match) return [`${match[1]}/`, match[2] ?? match[3]];
  return [base.endsWith("/") ? base : `${base}/`, undefined];
}

function parsed(text) {
  try {
    return new URL(text);
  } catch {
    return undefined; // relative to the page, which only a browser can resolve
  }
}

function decoded(name, bytes) {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new AssayClientError("corrupt", `${name}: is not JSON: ${error.message}`);
  }
}

function listed(bytes, where) {
  const content = decoded(`${where}${MANIFEST}`, bytes);
  if (!Array.isArray(content?.files)) {
    throw new AssayClientError("corrupt", `${where}${MANIFEST}: is no manifest; is the base the root of a published dataset?`);
  }
  return new Map(content.files.map((file) => [file.path, file]));
}

async function bounded(answer, url, most) {
  const parts = [];
  let size = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.byteLength;
    if (size > most) {
      await reader.cancel();
      throw new AssayClientError("corrupt", `${url}: is larger than ${most} bytes; maxBytes allows more`);
    }
    parts.push(value);
  }
  const body = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.byteLength;
  }
  return body;
}

async function sha256(bytes) {
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function same(left, right) {
  return left.byteLength === right.byteLength && left.every((byte, at) => byte === right[at]);
}

function ratio(above, below) {
  return below > 0 ? above / below : null;
}
