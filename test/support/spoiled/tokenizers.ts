import { limits } from "../../../services/kit/limits.ts";
import { type Spoil, type SpoiledCase, spoiledBase, vocabulary } from "./case.ts";

const path = "tokenizer.json";
const saved =
  (text: string): Spoil =>
  (adapter) =>
    adapter.text(path, text);
/** What is said of a file that is none. */
const none = (says: RegExp): Omit<SpoiledCase, "spoil"> => ({
  reason: "ADAPTER_FILE_FORBIDDEN",
  metadata: { path },
  says,
});

/** A `tokenizer.json` beside the adapter. */
export const spoiledTokenizers: Readonly<Record<string, SpoiledCase>> = {
  "a tokenizer.json with another vocabulary": {
    spoil: saved(JSON.stringify({ model: { type: "BPE", vocab: { ...vocabulary, ä: 1, b: 0 }, merges: [] } })),
    reason: "TOKENIZER_MISMATCH",
    metadata: { path, expected: spoiledBase.vocabularyDigest },
    says: /tokenizer\.json has another vocabulary than tiny\/llama \(main\).*Remove the tokenizer's files/,
  },
  "a tokenizer.json with a token more": {
    spoil: saved(JSON.stringify({ model: { type: "BPE", vocab: { ...vocabulary, c: 2 }, merges: [] } })),
    reason: "TOKENIZER_MISMATCH",
    metadata: { path },
  },
  "a tokenizer.json that is none": { spoil: saved("no tokenizer"), ...none(/is no tokenizer: it has no model/) },
  "a tokenizer.json that is cut off": { spoil: saved('{"model":{"vocab":{"b":1,'), ...none(/it ends too early/) },
  "a tokenizer.json without a vocabulary": { spoil: saved('{"model":{}}'), ...none(/it has no vocab/) },
  "an empty tokenizer.json": { spoil: saved(""), ...none(/it has no model/) },
  "a tokenizer.json that is not UTF-8": {
    spoil: (adapter) => adapter.files.set(path, Buffer.from('{"model":{"vocab":{"\xff":0}}}', "latin1")),
    ...none(/it is not UTF-8/),
  },
  "a tokenizer.json of nested lists": { spoil: saved("[".repeat(1_000_000)), ...none(/has no model/) },
  "a tokenizer.json with nested lists before its model": {
    spoil: saved(`{"deep":${"[".repeat(1_000_000)}`),
    ...none(/nested deeper than 64/),
  },
  "a tokenizer.json with a vocabulary under __proto__": {
    spoil: saved(JSON.stringify({ model: { vocab: vocabulary } }).replace("model", "__proto__")),
    ...none(/has no model/),
  },
  "a tokenizer.json that is too large": {
    spoil: (adapter) => adapter.files.set(path, Buffer.alloc(limits.tokenizer_bytes + 1, " ")),
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "tokenizer_bytes", actual: String(limits.tokenizer_bytes + 1) },
  },
};
