import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";

/** The part of a `tokenizer.json` that is read, as far as it is one. */
interface Tokenizer {
  readonly model?: { readonly vocab?: unknown } | null;
}

type Entry = readonly [id: number, token: string];

/** Of the vocabulary in a `tokenizer.json`, by the rule of BaseModel; empty where it has none. */
export async function readVocabularyDigest(path: string): Promise<string> {
  const tokens = tokensOf(parse(await readFile(path))?.model?.vocab);
  if (tokens === undefined) return "";
  const hash = createHash("sha256");
  for (const [id, token] of tokens) hash.update(`${id} ${Buffer.byteLength(token)} ${token}\n`);
  return hash.digest("hex");
}

function parse(bytes: Uint8Array): Tokenizer | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    return JSON.parse(text) as Tokenizer | null;
  } catch {
    return null;
  }
}

/** By their ids; undefined for what is no vocabulary. */
function tokensOf(vocabulary: unknown): readonly Entry[] | undefined {
  if (typeof vocabulary !== "object" || vocabulary === null) return undefined;
  const entries = Array.isArray(vocabulary) ? byPlace(vocabulary) : byId(vocabulary);
  const ids = new Set(entries.map(([id]) => id));
  return ids.size === entries.length && entries.every(isEntry) ? entries : undefined;
}

/** Tokens with scores. */
function byPlace(pairs: readonly unknown[]): (readonly unknown[])[] {
  return pairs.map((pair, place) => [place, tokenOf(pair)]);
}

function tokenOf(pair: unknown): unknown {
  const [token, score, ...others] = Array.isArray(pair) ? pair : [];
  return typeof score === "number" && others.length === 0 ? token : undefined;
}

/** An id for each token. */
function byId(ids: object): (readonly unknown[])[] {
  const entries = Object.entries(ids).map(([token, id]) => [id, token]);
  return entries.sort(([one], [other]) => Number(one) - Number(other));
}

function isEntry(entry: readonly unknown[]): entry is Entry {
  const [id, token] = entry;
  const isId = typeof id === "number" && Number.isInteger(id) && id >= 0 && id < 2 ** 32;
  return isId && typeof token === "string" && token.isWellFormed();
}
