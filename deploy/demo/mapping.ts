/** Guesses which keys of the reader's JSONL mean what, by their names. */
import type { DatasetSpec } from "../../clients/typescript/src/index.ts";

type Mapping = Readonly<Record<string, string>>;

interface Guess {
  readonly format: string;
  /** Part of the format → key of the records. */
  readonly mapping: Mapping;
}

const names: Record<string, readonly string[]> = {
  instruction: ["instruction", "question", "query", "frage"],
  input: ["input", "context", "kontext"],
  output: ["output", "answer", "response", "antwort", "target"],
  messages: ["messages", "conversations"],
  user: ["user", "user_message", "user_query"],
  assistant: ["assistant", "assistant_response", "bot_response"],
  system: ["system", "system_prompt"],
  prompt: ["prompt"],
  completion: ["completion"],
  chosen: ["chosen"],
  rejected: ["rejected"],
  label: ["label"],
  text: ["text", "content", "full_text", "body"],
};

/** Formats, the most particular first, with the parts that they need and those that they can use. */
const formats: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["preference", ["prompt", "chosen", "rejected"], []],
  ["kto", ["prompt", "completion", "label"], []],
  ["prompt-completion", ["prompt", "completion"], []],
  ["chat", ["messages"], []],
  ["chat", ["user", "assistant"], ["system"]],
  ["instruction", ["instruction", "output"], ["input"]],
  ["text", ["text"], []],
];

/** Throws naming the keys that were seen, where no format fits. `overrides` (part → key) win. */
export function guessMapping(keys: ReadonlySet<string>, overrides: Mapping): Guess {
  checkOverrides(keys, overrides);
  const keyOf = (part: string): string | undefined => overrides[part] ?? names[part]?.find((name) => keys.has(name));
  for (const [format, needed, optional] of formats) {
    if (!needed.every((part) => keyOf(part) !== undefined)) continue;
    const parts = [...needed, ...optional].filter((part) => keyOf(part) !== undefined);
    return { format, mapping: Object.fromEntries(parts.map((part) => [part, keyOf(part) as string])) };
  }
  throw new Error(
    `No format fits the keys ${[...keys].join(", ")}. Say which is which, e.g. --map instruction=ask --map output=reply`,
  );
}

function checkOverrides(keys: ReadonlySet<string>, overrides: Mapping): void {
  for (const [part, key] of Object.entries(overrides)) {
    if (!(part in names))
      throw new Error(
        `--map ${part}=${key}: no format has a part "${part}"; there are ${Object.keys(names).join(", ")}.`,
      );
    if (!keys.has(key))
      throw new Error(`--map ${part}=${key}: no record has a key "${key}"; there are ${[...keys].join(", ")}.`);
  }
}

/** The dataset of a guess, with weights where a key looks like one. */
export function toSpec(collection: string, guess: Guess, keys: ReadonlySet<string>): DatasetSpec {
  const weightField = ["importance", "weight"].find((name) => keys.has(name)) ?? "";
  const timestampField = ["created_at", "published_date", "date"].find((name) => keys.has(name)) ?? "";
  const mapping = Object.entries(guess.mapping).map(
    ([part, key]) => [part, { source: { $case: "field", value: key } }] as const,
  );
  return {
    collection,
    selection: undefined,
    format: guess.format,
    mapping: Object.fromEntries(mapping),
    weighting: {
      weightField,
      autoWeightByLength: true,
      freshness: timestampField === "" ? undefined : { timestampField },
    },
    quality: { minTextLength: 5, maxTextLength: 0, skipEmptyOutputs: true, skipDuplicates: true },
    schemaValidation: undefined,
    metadataFields: [],
    errorHandling: undefined,
    adapterMetadataJson: "",
    splits: undefined,
  };
}
