import type { ReportField } from "./faults.ts";
import { Decimal, type JsonObject, type JsonValue, shownText } from "./strict-json.ts";

const wrong = Symbol("not as expected");

/** What a number must be. */
export interface NumberForm {
  /** In words. */
  readonly expected: string;
  /** True where Python takes no number with a point. */
  readonly isWhole: boolean;
  readonly accepts: (value: number) => boolean;
}

/** Reads the fields of a JSON object; what is not as expected is reported with its field and becomes the default. */
export class ConfigurationFields {
  readonly #object: JsonObject;
  readonly #report: ReportField;

  constructor(object: JsonObject, report: ReportField) {
    this.#object = object;
    this.#report = report;
  }

  get(field: string): JsonValue | undefined {
    return this.#object.get(field);
  }

  boolean(field: string): boolean {
    return this.#read(field, false, "true or false", (value) => (typeof value === "boolean" ? value : wrong));
  }

  /** A text; null is the empty one. */
  text(field: string): string {
    return this.#read(field, "", "a text", (value) =>
      typeof value === "string" ? value : value === null ? "" : wrong,
    );
  }

  oneOf<T extends string, F extends string>(field: string, words: readonly T[], fallback: F): T | F {
    return this.#read<T | F>(
      field,
      fallback,
      words.join(", "),
      (value) => words.find((word) => word === value) ?? wrong,
    );
  }

  /** One of the forms of a text, or true or false; null is false. */
  flagOrWord(field: string, fallback: string, form: RegExp): string {
    return this.#read(field, fallback, `true, false or ${form.source}`, (value) => {
      if (value === null || typeof value === "boolean") return String(value ?? false);
      return typeof value === "string" && form.test(value) ? value.toLowerCase() : wrong;
    });
  }

  number(field: string, fallback: number, form: NumberForm): number {
    return this.#read(field, fallback, form.expected, (value) => acceptedNumber(value, form));
  }

  /** Numbers by names, in the order of the text. */
  numbers(field: string, form: NumberForm): ReadonlyMap<string, number> {
    return this.#read(field, new Map(), `an object of names and numbers: ${form.expected}`, (value) => {
      if (!(value instanceof Map)) return wrong;
      const entries = [...value].map(([name, one]) => [name, acceptedNumber(one, form)] as const);
      return entries.every((entry): entry is [string, number] => entry[1] !== wrong) ? new Map(entries) : wrong;
    });
  }

  /** A list of texts; null is the empty one. */
  names(field: string): readonly string[] {
    return this.#read(field, [], "a list of names", (value) => namesOf(value) ?? wrong);
  }

  /** A list of texts, or one text; null is the empty list. */
  namesOrText(field: string): readonly string[] | string {
    const expected = "a list of names, or a text";
    return this.#read<readonly string[] | string>(field, [], expected, (value) =>
      typeof value === "string" ? value : (namesOf(value) ?? wrong),
    );
  }

  /** A list of indices; one number is a list of one, null is undefined. */
  indices(field: string): readonly number[] | undefined {
    return this.#read<readonly number[] | undefined>(field, undefined, "a list of whole numbers", (value) =>
      value === null ? undefined : (indicesOf(typeof value === "number" ? [value] : value) ?? wrong),
    );
  }

  /** A list of indices, or lists by name; null is undefined. */
  indicesByName(field: string): readonly number[] | ReadonlyMap<string, readonly number[]> | undefined {
    const expected = "a list of whole numbers, or lists by name";
    return this.#read<readonly number[] | ReadonlyMap<string, readonly number[]> | undefined>(
      field,
      undefined,
      expected,
      (value) => (value === null ? undefined : (indicesOf(value) ?? indexLists(value) ?? wrong)),
    );
  }

  #read<T>(field: string, fallback: T, expected: string, read: (value: JsonValue) => T | typeof wrong): T {
    const value = this.#object.get(field);
    if (value === undefined) return fallback;
    const result = read(value);
    if (result !== wrong) return result;
    this.#report(field, `is ${shownValue(value)}; expected ${expected}`);
    return fallback;
  }
}

function acceptedNumber(value: JsonValue, { isWhole, accepts }: NumberForm): number | typeof wrong {
  const number = value instanceof Decimal && !isWhole ? value.value : value;
  return typeof number === "number" && accepts(number) ? number : wrong;
}

function namesOf(value: JsonValue): readonly string[] | undefined {
  if (value === null) return [];
  return Array.isArray(value) && value.every((name) => typeof name === "string" && name !== "") ? value : undefined;
}

function indicesOf(value: JsonValue): readonly number[] | undefined {
  return Array.isArray(value) && value.every((index) => Number.isSafeInteger(index) && index >= 0) ? value : undefined;
}

function indexLists(value: JsonValue): ReadonlyMap<string, readonly number[]> | undefined {
  if (!(value instanceof Map)) return undefined;
  const lists = [...value].map(([name, list]) => [name, indicesOf(list)] as const);
  return lists.every((entry): entry is [string, readonly number[]] => entry[1] !== undefined)
    ? new Map(lists)
    : undefined;
}

function shownValue(value: JsonValue): string {
  if (value instanceof Map) return "an object";
  if (value instanceof Decimal) return `${value.value}, with a point or an exponent`;
  return Array.isArray(value) ? "a list with something else" : shownText(String(value));
}
