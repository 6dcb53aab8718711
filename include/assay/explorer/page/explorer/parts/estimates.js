// Estimates for types that were not measured: always a table of its own, never among measured values, never in a chart of them.

export function estimates() {
  return null;
}

export function estimatesOf() {
  return null;
}
