import type { Ajv, KeywordDefinition } from "ajv";
import { isObject } from "../json-object.ts";
import { limits } from "../limits.ts";
import { codePoints } from "../text.ts";
import { dataKeywords, type JsonObject, referenceKeywords } from "./schema-limits.ts";

/** Sits beside every `$ref` and counts. */
const stepKeyword = "x-loraloop-step";

/** Thrown while a sample is checked. */
export class TooManySteps extends Error {
  override readonly name = "TooManySteps";

  constructor() {
    super(`The schema follows more than schema_steps (${limits.schema_steps}) references in this sample`);
  }
}

/** References left to follow in the sample that is being checked. */
export class StepBudget {
  left = 0;

  take(): boolean {
    this.left -= 1;
    if (this.left < 0) {
      throw new TooManySteps();
    }
    return true;
  }
}

/**
 * Replaces keywords of the library whose time grows faster than the sample: `uniqueItems` compares all pairs, `$ref` can fan out without end;
 * `minLength` and `maxLength` decide by the cheap length in UTF-16 units where that is enough.
 */
export function replaceKeywords(ajv: Ajv, budget: StepBudget): void {
  for (const definition of keywords(budget)) {
    ajv.removeKeyword(definition.keyword as string);
    ajv.addKeyword(definition);
  }
}

function keywords(budget: StepBudget): KeywordDefinition[] {
  return [
    {
      keyword: "minLength",
      type: "string",
      schemaType: "number",
      compile: (minimum: number) => (text: string) => text.length >= 2 * minimum || codePoints(text) >= minimum,
      error: { message: ({ schemaCode }) => `must NOT have fewer than ${schemaCode} characters` },
    },
    {
      keyword: "maxLength",
      type: "string",
      schemaType: "number",
      compile: (maximum: number) => (text: string) => text.length <= maximum || codePoints(text) <= maximum,
      error: { message: ({ schemaCode }) => `must NOT have more than ${schemaCode} characters` },
    },
    {
      keyword: "uniqueItems",
      type: "array",
      schemaType: "boolean",
      compile: (unique: boolean) => (items: unknown[]) =>
        !unique || new Set(items.map(canonicalJson)).size === items.length,
      error: { message: "must NOT have duplicate items" },
    },
    { keyword: stepKeyword, compile: () => () => budget.take() },
  ];
}

/** JSON with sorted keys: equal text for equal values. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    isObject(part) ? Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)) : part,
  );
}

/** A copy in which every reference counts as a step. */
export function withSteps(schema: JsonObject): JsonObject {
  const entries = Object.entries(schema).map(([key, value]) => [key, dataKeywords.has(key) ? value : stepsIn(value)]);
  const copy = Object.fromEntries(entries) as JsonObject;
  return referenceKeywords.some((key) => typeof schema[key] === "string") ? { ...copy, [stepKeyword]: true } : copy;
}

function stepsIn(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(stepsIn);
  }
  return isObject(value) ? withSteps(value) : value;
}
