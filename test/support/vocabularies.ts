import { readFileSync } from "node:fs";

/** The text of a `tokenizer.json`, and the digest of its vocabulary; empty where it has none. */
export interface VocabularyCase {
  readonly text: string;
  readonly digest: string;
}

const file = new URL("../data/vocabularies.json", import.meta.url);
const { cases }: { readonly cases: Readonly<Record<string, VocabularyCase>> } = JSON.parse(readFileSync(file, "utf8"));

/** By what is special in them; those that every client and the server are tested with. */
export const vocabularies: readonly (readonly [string, VocabularyCase])[] = Object.entries(cases);
