import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { documentInvalid } from "./document-invalid.ts";

/** An object of a JSON document. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a document of others. Throws LIMIT_EXCEEDED (`import_bytes`, `import_depth`), or DOCUMENT_INVALID: also for an object with the same key twice, of
 * which every reader of JSON picks another.
 */
export function parseJson(text: string): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.import_bytes) throw limitExceeded("import_bytes", bytes, "The document");
  const value = parse(text);
  if (countKeys(value, 0) < countColons(text)) throw documentInvalid("", "an object has a key twice");
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw documentInvalid("", `it is no JSON: ${(error as Error).message.toWellFormed()}`);
  }
}

function countKeys(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth === limits.import_depth) throw limitExceeded("import_depth", depth + 1, "The document's nesting");
  const parts = Object.values(value);
  let count = Array.isArray(value) ? 0 : parts.length;
  for (const part of parts) count += countKeys(part, depth + 1);
  return count;
}

const quote = 0x22;
const colon = 0x3a;
const backslash = 0x5c;

/** Of keys: those outside of strings, in what is JSON. */
function countColons(json: string): number {
  let count = 0;
  outsideOfStrings(json, (character) => {
    if (character === colon) count++;
  });
  return count;
}

function outsideOfStrings(json: string, visit: (character: number, at: number) => void): void {
  let inString = false;
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === quote) inString = !inString;
    else if (inString && character === backslash) at++;
    else if (!inString) visit(character, at);
  }
}

/** The elements of a list, each as it stands in the text of it, which `parseJson` accepted. */
export function elementTexts(list: string): string[] {
  const cuts: number[] = [];
  let depth = 0;
  outsideOfStrings(list, (character, at) => {
    const text = String.fromCharCode(character);
    if ("]}".includes(text)) depth--;
    if (depth === 0 ? "[]".includes(text) : depth === 1 && text === ",") cuts.push(at);
    if ("[{".includes(text)) depth++;
  });
  return cuts.slice(1).map((cut, place) => list.slice((cuts[place] as number) + 1, cut).trim());
}

/** Parses JSON that `parseJson` accepted, so that `printJson` writes every number as it was written: `16.0` stays `16.0`, and no digit is lost. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? rawNumber(context?.source ?? String(value)) : value,
  );
}

function rawNumber(source: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(source);
}

/** A document as a file: two spaces a level, a line break at the end. */
export function printJson(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** A list as a file: its elements as their texts are, but for the indentation, two spaces in; a line break at the end. */
export function printList(elements: readonly string[]): string {
  return `[\n${elements.map(indented).join(",\n")}\n]\n`;
}

/** A text with the indentation of its last line replaced. */
function indented(element: string): string {
  const lastLine = element.slice(element.lastIndexOf("\n") + 1);
  const own = element.includes("\n") ? (/^[ \t]*/.exec(lastLine)?.[0] ?? "") : "";
  return `  ${element.replaceAll(`\n${own}`, "\n  ")}`;
}

/** An object without the keys whose value is undefined. */
export function defined(object: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}
