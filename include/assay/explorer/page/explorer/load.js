// Published documents over HTTP, each fetched once. They are found from where this file lies, so any static host will do.

const ROOT = new URL("../", import.meta.url);
export const LATEST = "data/processed/latest/";

const kept = new Map();

/** A document could not be read; the message is for a person. */
export class NotRead extends Error {}

/** The address of a file of the published tree. */
export function addressOf(path) {
  return new URL(path, ROOT).href;
}

/** A decoded document of the newest snapshot, by file name. Throws NotRead. */
export function load(name) {
  return loadPath(LATEST + name);
}

/** A decoded JSON file of the published tree, by its path from the root. Throws NotRead. */
export function loadPath(path) {
  if (!kept.has(path)) {
    const reading = read(path);
    reading.catch(() => kept.delete(path));
    kept.set(path, reading);
  }
  return kept.get(path);
}

async function read(path) {
  let answer;
  try {
    answer = await fetch(addressOf(path));
  } catch {
    throw new NotRead(`${path} could not be fetched. Is the network there, and does the host serve the whole folder?`);
  }
  if (!answer.ok) {
    throw new NotRead(`${path}: the host answered ${answer.status}. The page reads the documents that were published beside it.`);
  }
  try {
    return await answer.json();
  } catch {
    throw new NotRead(`${path} is not JSON. It may have been cut short on the way; reload the page.`);
  }
}
