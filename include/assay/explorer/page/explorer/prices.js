// Hourly prices by type and region, and what a dollar buys, from price-performance.json. Pure.

/** Prices of a decoded document; undefined while it is on its way. `regions`: those with any price, most prices first. */
export function openPrices(document) {
  const instances = document?.instances ?? {};
  const counts = new Map();
  for (const regions of Object.values(instances)) {
    for (const [region, entry] of Object.entries(regions)) {
      if (entry.hourly_price) counts.set(region, (counts.get(region) ?? 0) + 1);
    }
  }
  const regions = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a) || (a < b ? -1 : 1));
  return { currency: document?.currency ?? "USD", regions, instances, waiting: document === undefined };
}

/** The region that is shown where none is asked for. */
export function regionOf(prices, wanted) {
  if (prices.regions.includes(wanted)) return wanted;
  return prices.regions.includes("us-east-1") ? "us-east-1" : prices.regions[0];
}

/** The price of a type in a region: { value, source, as_of }, or undefined. */
export function priceOf(prices, instance, region) {
  return prices.instances[instance]?.[region]?.hourly_price ?? undefined;
}

/** Why a type has no price in a region. */
export function reasonOf(prices, instance, region) {
  return prices.instances[instance]?.[region]?.reason ?? "no price was published";
}

/** The published value per dollar of a type under a ranking's name: { value, unit }, or undefined. */
export function perDollarOf(prices, instance, region, ranking) {
  return ranking && prices.instances[instance]?.[region]?.value_per_dollar?.[ranking];
}

/** What one operation costs, of a metric that is a time: { value, unit }, or undefined. */
export function costOf(prices, instance, region, ranking) {
  return ranking && prices.instances[instance]?.[region]?.cost_per_operation?.[ranking];
}
