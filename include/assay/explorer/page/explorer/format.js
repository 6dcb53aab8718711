// Numbers, sizes and days as people read them. The exact number stays beside what is shown, in the element's `value`.

const MINUS = "\u2212";

/** A number with a fixed count of decimals and separated thousands. */
export function fixed(value, decimals) {
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }).replace("-", MINUS);
}

/** A number with so many significant digits, never more than it has. */
export function significant(value, digits = 4) {
  const text =
    Math.abs(value) >= 10 ** digits
      ? value.toLocaleString("en-US", { maximumFractionDigits: 0 })
      : value.toLocaleString("en-US", { maximumSignificantDigits: digits });
  return text.replace("-", MINUS);
}

/** A number as it is published, every digit of it. */
export function exact(value) {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 17, useGrouping: true }).replace("-", MINUS);
}

/** Decimals with which every number of a column shows three significant digits; at most six. */
export function decimalsOf(values) {
  const sizes = values.map(Math.abs).filter((size) => size > 0 && Number.isFinite(size));
  if (!sizes.length) return 0;
  const smallest = Math.min(...sizes);
  const largest = Math.max(...sizes);
  const wanted = 2 - Math.floor(Math.log10(smallest));
  const bearable = 6 - Math.floor(Math.log10(largest));
  const needed = Math.max(0, ...sizes.map((size) => places(size)));
  return Math.max(0, Math.min(wanted, bearable, needed, 6));
}

/** `1258291` -> `1.26 MB`. */
export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const step = count < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  return `${significant(count / 1000 ** step, 3)} ${units[step]}`;
}

/** Memory in the unit that makers use: `8589934592` -> `8 GiB`. */
export function binary(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  return `${significant(count / 1024 ** step, 4)} ${units[step]}`;
}

/** `1 type`, `2 types`. */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en-US")} ${number === 1 ? one : many}`;
}

/** The UTC time in a session's id: `20240604T222713Z-5fa59776c80d` -> `2024-06-04 22:27 UTC`. */
export function sessionTime(session) {
  const found = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})/.exec(session);
  return found ? `${found[1]}-${found[2]}-${found[3]} ${found[4]}:${found[5]} UTC` : session;
}

function places(size) {
  const text = String(size);
  if (text.includes("e")) return 6;
  return text.includes(".") ? text.length - text.indexOf(".") - 1 : 0;
}
