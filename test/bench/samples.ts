import type { DatasetSpec } from "../../proto/gen/loraloop/export/v1/dataset.ts";
import { DatasetSpec as Spec } from "../../proto/gen/loraloop/export/v1/dataset.ts";

/** Records of about 2 kB, always the same ones: a seeded generator, so that nothing is downloaded. */

export const collection = "bench";
const textBytes = 1_800;
const phraseCount = 4_096;
const themes = [
  "contracts",
  "labour",
  "tenancy",
  "family",
  "traffic",
  "tax",
  "building",
  "insurance",
  "press",
  "patents",
];

const syllables = {
  english: [
    "the",
    "court",
    "claim",
    "part",
    "er",
    "ing",
    "ment",
    "able",
    "con",
    "tract",
    "law",
    "of",
    "right",
    "ten",
    "ant",
  ],
  german: [
    "der",
    "Kläger",
    "Verträge",
    "für",
    "gemäß",
    "Prüfung",
    "über",
    "ung",
    "lich",
    "keit",
    "Recht",
    "straße",
    "hört",
  ],
};

export interface BenchRecord {
  readonly id: string;
  readonly fieldsJson: string;
}

/** Records `from` to `to`; every 200th is too short, every 200th a duplicate. Ids are in order. */
export function* benchRecords(from: number, to: number): Generator<BenchRecord> {
  for (let number = from; number < to; number += 1) {
    yield { id: recordId(number), fieldsJson: JSON.stringify(fieldsOf(number)) };
  }
}

export function recordId(number: number): string {
  return `record-${String(number).padStart(8, "0")}`;
}

/** Text samples as people have them: weights by length, short texts and duplicates left out. `variant` makes it a dataset of its own. */
export function textDataset(variant: string, more: Partial<DatasetSpec> = {}): DatasetSpec {
  return Spec.fromPartial({
    collection,
    format: "text",
    weighting: { autoWeightByLength: true },
    quality: { minTextLength: 100, skipEmptyOutputs: true, skipDuplicates: true },
    adapterMetadataJson: JSON.stringify({ variant }),
    ...more,
  });
}

/** What keeps a tenth of the records, evenly. */
export function oneTheme(): DatasetSpec["selection"] {
  return Spec.fromPartial({ selection: { conditions: [{ field: "theme", values: [themes[0] ?? ""] }] } }).selection;
}

function fieldsOf(number: number): Record<string, unknown> {
  return {
    theme: themes[number % themes.length],
    language: number % 2 === 0 ? "en" : "de",
    published: `20${String(10 + (number % 15)).padStart(2, "0")}-0${1 + (number % 9)}-15`,
    score: (number % 100) / 100,
    text: textOf(number),
  };
}

function textOf(number: number): string {
  if (number % 200 === 77) return "Too short.";
  const source = number % 200 === 177 ? number - 100 : number;
  const phrases = phrasesOf(source % 2 === 0 ? "english" : "german");
  const random = randomNumbers(source + 1);
  let text = `${source}: `;
  while (text.length < textBytes) text += phrases[random() % phraseCount];
  return text;
}

const made = new Map<string, readonly string[]>();

/** Sentences of about 60 characters to put texts together from: a million texts take seconds. */
function phrasesOf(language: keyof typeof syllables): readonly string[] {
  const known = made.get(language);
  if (known !== undefined) return known;
  const random = randomNumbers(language.length);
  const phrases = Array.from({ length: phraseCount }, () => phraseOf(syllables[language], random));
  made.set(language, phrases);
  return phrases;
}

function phraseOf(parts: readonly string[], random: () => number): string {
  let phrase = "";
  while (phrase.length < 55) phrase += `${parts[random() % parts.length]}${random() % 3 === 0 ? "" : " "}`;
  return `${phrase}${random() % 8 === 0 ? ' "so said".\n' : ", "}`;
}

/** Xorshift: unsigned 32 bits, equal on every machine. */
function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed, 0x9e3779b1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
