// The core documents as metrics with their cells. Pure: decoded documents in, plain objects out.
//
// A metric (`stream.triad_bandwidth`) has groups: cells of one configuration in one unit. Only cells of one group are ever
// compared. A cell is one published quantity: { instance, state, quantity, document, path, warnings }.

import { architecture } from "./words.js";

const DESCRIBING = new Set(["metadata", "sources", "warnings", "nodes"]);
const ANALYSES = { cache_latency: "cache_analysis", vectorization: "avx512_performance" };
const LOWER_IS_BETTER = new Set(["nanoseconds", "milliseconds", "seconds", "cycles"]);

export const MEASURED = "measured";
export const PROVISIONAL = "provisional";
export const DERIVED = "derived";

/** What the core documents say. `documents`: memory, cpu, microarch, rankings; decoded. */
export function openDataset(documents) {
  const dataset = { metrics: new Map(), machines: new Map(), configurations: {}, rankings: new Map() };
  for (const name of ["memory-benchmarks.json", "cpu-benchmarks.json", "microarch-benchmarks.json"]) {
    Object.assign(dataset.configurations, documents[name].configurations);
    for (const container of containers(name, documents[name])) takeContainer(dataset, container);
  }
  for (const name of ["memory-benchmarks.json", "cpu-benchmarks.json", "microarch-benchmarks.json"]) {
    takeVariants(dataset, name, documents[name].variants ?? {});
  }
  for (const [name, ranking] of Object.entries(documents["instance-rankings.json"].rankings)) {
    takeRanking(dataset, name, ranking);
  }
  for (const metric of dataset.metrics.values()) metric.groups = groupsOf(dataset, metric);
  return dataset;
}

/** The metric that the page opens with: STREAM triad where there is any, else what most types have. */
export function firstMetric(dataset) {
  const triad = dataset.metrics.get("stream.triad_bandwidth");
  if (triad) return triad;
  const weight = ({ groups: [first] }) => first.cells.length + (first.higherIsBetter ? 0.5 : 0);
  return [...dataset.metrics.values()].reduce((best, one) => (!best || weight(one) > weight(best) ? one : best), undefined);
}

/** The group of a metric with this id, or its first. */
export function groupOf(metric, id) {
  return metric.groups.find((group) => group.id === id) ?? metric.groups[0];
}

/** Every cell of a type with its metric and group, by metric. */
export function cellsOf(dataset, instance) {
  const found = [];
  for (const metric of dataset.metrics.values()) {
    for (const group of metric.groups) {
      const cell = group.cells.find((one) => one.instance === instance);
      if (cell) found.push({ metric, group, cell });
    }
  }
  return found;
}

function* containers(document, data) {
  if (document === "microarch-benchmarks.json") {
    for (const top of ["microarchitecture", "provisional"]) {
      for (const [maker, analyses] of Object.entries(data[top] ?? {})) {
        for (const [name, entries] of Object.entries(analyses)) yield { document, path: [top, maker, name], name, entries };
      }
    }
    return;
  }
  for (const top of ["benchmarks", "provisional"]) {
    for (const [name, entries] of Object.entries(data[top] ?? {})) yield { document, path: [top, name], name, entries };
  }
}

function takeContainer(dataset, { document, path, name, entries }) {
  for (const [instance, entry] of Object.entries(entries)) {
    const known = dataset.machines.get(instance);
    dataset.machines.set(instance, known ? { ...known, ...entry.metadata } : entry.metadata);
    for (const [field, value] of Object.entries(entry)) {
      if (DESCRIBING.has(field)) continue;
      const where = { document, path: [...path, instance, field], warnings: entry.warnings, all: entry.sources };
      if (typeof value === "number") {
        const quantity = { value, unit: "ratio", sources: entry.sources, configuration: "" };
        take(dataset, name, field, { instance, state: DERIVED, quantity, ...where });
      } else if (isQuantity(value)) {
        take(dataset, name, field, { instance, state: stateOf(value), quantity: value, ...where });
      }
    }
  }
}

function takeVariants(dataset, document, variants) {
  for (const [benchmark, configurations] of Object.entries(variants)) {
    const name = ANALYSES[benchmark] ?? benchmark;
    for (const [configuration, variant] of Object.entries(configurations)) {
      for (const [instance, fields] of Object.entries(variant.instances)) {
        for (const [field, quantity] of Object.entries(fields)) {
          if (!isQuantity(quantity)) continue;
          const path = ["variants", benchmark, configuration, "instances", instance, field];
          take(dataset, name, field, { instance, state: stateOf(quantity), quantity, document, path });
        }
      }
    }
  }
}

function takeRanking(dataset, name, ranking) {
  const { document, field, configuration } = ranking.values_at;
  const ranks = new Map(ranking.ranks.map((row) => [row.instance, row.rank]));
  dataset.rankings.set(`${document} ${field} ${configuration}`, { name, ranks, higherIsBetter: ranking.higher_is_better });
}

function take(dataset, benchmark, field, cell) {
  const id = `${benchmark}.${field}`;
  if (!dataset.metrics.has(id)) dataset.metrics.set(id, { id, benchmark, field, document: cell.document, cells: [] });
  dataset.metrics.get(id).cells.push(cell);
}

function groupsOf(dataset, metric) {
  const found = new Map();
  for (const cell of metric.cells) {
    const key = `${cell.quantity.configuration} ${cell.quantity.unit}`;
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(cell);
  }
  const units = new Set(metric.cells.map((cell) => cell.quantity.unit));
  const groups = [...found.values()].map((cells) => {
    const { configuration, unit } = cells[0].quantity;
    const ranking = dataset.rankings.get(`${metric.document} ${metric.field} ${configuration}`);
    return {
      id: units.size > 1 ? `${configuration}~${unit}` : configuration,
      configuration,
      about: dataset.configurations[configuration],
      unit,
      cells,
      measured: cells.filter((cell) => cell.state === MEASURED).length,
      ranking,
      higherIsBetter: ranking ? ranking.higherIsBetter : !LOWER_IS_BETTER.has(unit),
    };
  });
  // What is known of many types comes first, and what is known well counts more.
  const weight = (group) => group.cells.length + 3 * group.measured;
  return groups.sort((a, b) => weight(b) - weight(a) || (a.id < b.id ? -1 : 1));
}

function isQuantity(value) {
  return value !== null && typeof value === "object" && typeof value.value === "number" && typeof value.unit === "string";
}

function stateOf(quantity) {
  return quantity.confidence_interval ? MEASURED : PROVISIONAL;
}

/** What is shown of a machine, as [word, text] pairs. */
export function machineFacts(machine, { binary }) {
  const pairs = [
    ["Architecture", architecture(machine.architecture)],
    ["Family", machine.instance_family],
    ["Generation", machine.generation],
    ["Processor", machine.processor],
    ["vCPUs", machine.vcpus],
    ["Physical cores", machine.physical_cores],
    ["Memory", machine.memory_bytes && binary(machine.memory_bytes)],
    ["Memory type", machine.memory_type],
    ["NUMA nodes", machine.numa_nodes],
    ["L1 data cache", machine.l1d_bytes && binary(machine.l1d_bytes)],
    ["L2 cache", machine.l2_bytes && binary(machine.l2_bytes)],
    ["L3 cache", machine.l3_bytes && binary(machine.l3_bytes)],
    ["Vector unit", machine.vector_unit],
    ["Virtualization", machine.virtualization],
  ];
  return pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
}
