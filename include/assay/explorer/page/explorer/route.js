// The part of the address behind `#` says which view is shown and how; any view can be linked, and the back button works.

/** `#/type/m7i.large?metric=..` -> { view, rest, query }. */
export function parse(hash) {
  const text = hash.replace(/^#\/?/, "");
  const at = text.indexOf("?");
  const [path, query] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
  const [view, ...rest] = path.split("/").map(decoded);
  return { view: view || "explore", rest: rest.filter(Boolean), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** The address of a view; what is empty is left out. */
export function address(view, rest = [], query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const path = [view, ...rest].map((part) => encodeURIComponent(part)).join("/");
  const search = new URLSearchParams(given).toString().replaceAll("%2C", ",");
  return `#/${path}${search ? `?${search}` : ""}`;
}

/** `a,b` -> ["a", "b"]. */
export function list(text) {
  return text ? [...new Set(text.split(",").filter(Boolean))] : [];
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
