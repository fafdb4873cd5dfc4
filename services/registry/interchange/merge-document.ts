import { isDeepStrictEqual } from "node:util";
import { isObject } from "../../kit/json-object.ts";
import type { JsonObject } from "./json-document.ts";

/**
 * Brings a document of others up to date: what we write of it now (`after`) differs from what we wrote of it when it came (`before`) only where
 * something changed since. All other keys and values, their order too, stay as they are in the document.
 */
export function mergeDocument(document: JsonObject, before: JsonObject, after: JsonObject): JsonObject {
  const merged = new Map(Object.entries(document));
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, is] = [before[key], after[key]];
    if (isDeepStrictEqual(was, is) || says(merged.get(key), is)) continue;
    if (is === undefined) merged.delete(key);
    else merged.set(key, mergeValue(merged.get(key), was, is));
  }
  return Object.fromEntries(merged);
}

/** Whether a document has a value already, in whatever form. */
function says(document: unknown, value: unknown): boolean {
  return document !== undefined && isDeepStrictEqual(JSON.parse(JSON.stringify(document)), value);
}

function mergeValue(document: unknown, before: unknown, after: unknown): unknown {
  return isObject(document) && isObject(after) ? mergeDocument(document, isObject(before) ? before : {}, after) : after;
}
