// Names of the dataset as words for people.

const BENCHMARKS = {
  stream: "STREAM",
  stream_cache: "Cache bandwidth",
  hpl: "LU solve (HPL rules)",
  hpl_mkl: "LU solve, vendor library",
  cache_analysis: "Load latency by level",
  avx512_performance: "Vector units",
  numa: "NUMA",
  openssl: "OpenSSL",
  redis: "Redis",
  bw_mem: "lmbench bw_mem",
  geekbench: "Geekbench",
  passmark: "PassMark",
  membench: "Memory by block size",
  stressngfull: "stress-ng, whole run",
  stressng_benchmarks: "stress-ng, by stressor",
};

export const ARCHITECTURES = { intel: "Intel", amd: "AMD", graviton: "Graviton", other: "Other" };

/** The name of an architecture. */
export function architecture(name) {
  return ARCHITECTURES[name] ?? name;
}

/** The name of a benchmark. */
export function benchmark(name) {
  return BENCHMARKS[name] ?? capital(spaced(name));
}

/** The name of a metric within its benchmark: `read_bandwidth_16kib` -> `Read bandwidth 16 KiB`. */
export function field(name) {
  const words = spaced(name)
    .replace(/\b(\d+)(kib|mib|kb|mb|b)\b/g, (_, size, unit) => sized(Number(size), UNITS[unit]))
    .replace(/\bgflops\b/g, "GFLOPS")
    .replace(/\b(cpu|l[123]|dram|avx512|sve|rps|mkl|aes|sha|hdr|pdf|sse|fma|avx|ecdsa|cbc)\b/g, (word) => word.toUpperCase())
    .replace(/\bhtml5\b/g, "HTML5");
  return capital(words);
}

const UNITS = { kib: "KiB", mib: "MiB", kb: "KB", mb: "MB", b: "B" };

/** A block size in the largest unit that divides it: `2097152 KiB` is `2 GiB`. */
function sized(size, unit) {
  const larger = { KiB: "MiB", MiB: "GiB" }[unit];
  return larger && size >= 1024 && size % 1024 === 0 ? sized(size / 1024, larger) : `${size} ${unit}`;
}

/** What a column of configuration facts is called. */
export const CONFIGURATION = {
  implementation: "Program",
  version: "Version",
  threads: "Threads",
  size_policy: "Problem size",
  build_flags: "Build",
};

function spaced(name) {
  return name.replaceAll("_", " ");
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
