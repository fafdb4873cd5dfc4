import { createHash, type Hash } from "node:crypto";
import { limits } from "../../kit/limits.ts";
import { Decimal, JsonProblem, JsonReader, shownText } from "./strict-json.ts";

/** Digest of the vocabulary in the text of a `tokenizer.json`, by the rule of BaseModel. Keeps nothing but its tokens. Throws JsonProblem where there is none. */
export function vocabularyDigest(text: string): string {
  const reader = new JsonReader(text, { depth: limits.tokenizer_depth });
  const digest = readMember(reader, "model", () => readMember(reader, "vocab", () => readVocabulary(reader)));
  reader.end();
  return digest;
}

/** Passes an object, and reads one member of it. */
function readMember(reader: JsonReader, name: string, read: () => string): string {
  let found: string | undefined;
  const member = (key: string) => {
    if (key !== name) return reader.pass();
    if (found !== undefined) throw new JsonProblem(`has the key ${shownText(name)} twice`);
    found = read();
  };
  if (reader.isAtObject()) reader.passObject(member);
  if (found === undefined) throw new JsonProblem(`has no ${name} where one is expected`);
  return found;
}

function readVocabulary(reader: JsonReader): string {
  const hash = createHash("sha256");
  if (reader.isAtObject()) readIds(reader, hash);
  else if (reader.isAtList()) readPlaces(reader, hash);
  else throw new JsonProblem("has a model.vocab that is neither an object nor a list");
  return hash.digest("hex");
}

/** An id for each token. A token that comes twice counts twice, which no client's digest does. */
function readIds(reader: JsonReader, hash: Hash): void {
  const byId = new Map<number, string>();
  reader.passObject((token) => {
    checkCount(byId.size);
    const id = readId(reader, token);
    if (byId.has(id)) throw new JsonProblem(`has the id ${id} twice`);
    byId.set(id, token);
  });
  for (const id of Uint32Array.from(byId.keys()).sort()) addToken(hash, id, byId.get(id) ?? "");
}

function readId(reader: JsonReader, token: string): number {
  const id = isAtScalar(reader) ? reader.scalar() : undefined;
  if (typeof id === "number" && id >= 0 && id < 2 ** 32) return id;
  throw new JsonProblem(`has no whole number below 2^32 as the id of ${shownText(token)}`);
}

/** Tokens with scores. */
function readPlaces(reader: JsonReader, hash: Hash): void {
  let place = 0;
  reader.passList(() => {
    checkCount(place);
    addToken(hash, place, readPair(reader, place));
    place++;
  });
}

/** The token of a pair. */
function readPair(reader: JsonReader, place: number): string {
  const parts: unknown[] = [];
  const isPair = reader.isAtList();
  if (isPair) reader.passList(() => parts.push(parts.length < 2 && isAtScalar(reader) ? reader.scalar() : fail(place)));
  const [token, score] = parts;
  const isScore = typeof score === "number" || score instanceof Decimal;
  return parts.length === 2 && typeof token === "string" && isScore ? token : fail(place);
}

function fail(place: number): never {
  throw new JsonProblem(`has no pair of a token and its score at place ${place} of model.vocab`);
}

function isAtScalar(reader: JsonReader): boolean {
  return !reader.isAtObject() && !reader.isAtList();
}

function checkCount(count: number): void {
  if (count < limits.tokenizer_tokens) return;
  throw new JsonProblem(`has more tokens than the limit tokenizer_tokens, which is ${limits.tokenizer_tokens}`);
}

function addToken(hash: Hash, id: number, token: string): void {
  hash.update(`${id} ${Buffer.byteLength(token)} ${token}\n`);
}
