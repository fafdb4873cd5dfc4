import { limits } from "../../kit/limits.ts";
import { RecordProblem, shown } from "./record-problem.ts";

/**
 * A record's JSON as it is kept: what `JSON.stringify(JSON.parse(text))` gives. Throws RecordProblem for what is not
 * a JSON object, and for what JSON.parse would change in silence or what other readers of JSON choke on.
 */
export function normaliseFields(text: string): string {
  checkFieldsSize(text);
  const fields = parseObject(text);
  const check = new FieldsCheck();
  check.value(fields);
  if (check.hasExponent) refuseLongIntegers(text);
  const normal = JSON.stringify(fields);
  // Numbers may grow: 1e15 becomes 1000000000000000.
  if (normal.length > text.length) checkFieldsSize(normal);
  return normal;
}

export function checkFieldsSize(text: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.record_bytes) {
    throw new RecordProblem(
      `fields_json has ${bytes} bytes, above the limit record_bytes of ${limits.record_bytes}; store larger content elsewhere and keep its URI and digest.`,
    );
  }
}

function parseObject(text: string): object {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (error) {
    throw new RecordProblem(`fields_json is not JSON: ${(error as Error).message.toWellFormed()}.`, { cause: error });
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new RecordProblem(`fields_json is ${kindOf(fields)}, not a JSON object; wrap it, e.g. {"value": …}.`);
  }
  return fields;
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a ${typeof value}`;
}

/** Doubles from here on are printed with an exponent, below it as integers. */
const firstWithExponent = 1e21;

const beyond = "beyond ±(2^53 − 1); make it a string";

class FieldsCheck {
  /** Whether a number was met that only its text tells from an integer: 1e22 is one, 10000000000000000000000 is not. */
  hasExponent = false;
  /** Where the walk is: keys and indexes from the root. */
  readonly #path: (string | number)[] = [];

  value(value: unknown): void {
    if (typeof value === "string") this.#checkString(value, "holds");
    else if (typeof value === "number") this.#checkNumber(value);
    else if (Array.isArray(value)) this.#checkArray(value);
    else if (typeof value === "object" && value !== null) this.#checkObject(value as Record<string, unknown>);
  }

  #checkObject(value: Record<string, unknown>): void {
    this.#checkDepth();
    for (const key of Object.keys(value)) {
      this.#path.push(key);
      this.#checkString(key, "is a key with");
      this.value(value[key]);
      this.#path.pop();
    }
  }

  #checkArray(values: readonly unknown[]): void {
    this.#checkDepth();
    for (let index = 0; index < values.length; index++) {
      this.#path.push(index);
      this.value(values[index]);
      this.#path.pop();
    }
  }

  #checkDepth(): void {
    if (this.#path.length >= limits.record_depth) {
      throw this.#problem(`is nested deeper than the limit record_depth of ${limits.record_depth}; flatten it`);
    }
  }

  #checkString(value: string, verb: string): void {
    if (value.includes("\0")) throw this.#problem(`${verb} NUL (U+0000); remove it`);
    if (!value.isWellFormed()) throw this.#problem(`${verb} half of a surrogate pair; remove it or write the pair`);
  }

  #checkNumber(value: number): void {
    const size = Math.abs(value);
    if (size <= Number.MAX_SAFE_INTEGER) return;
    if (size === Number.POSITIVE_INFINITY) throw this.#problem("is a number too large for a double; make it a string");
    if (size < firstWithExponent) throw this.#problem(`is an integer of about ${value}, ${beyond}`);
    this.hasExponent = true;
  }

  #problem(what: string): RecordProblem {
    return new RecordProblem(`${this.#place()} ${what}.`);
  }

  #place(): string {
    const path = this.#path.map((step) => (typeof step === "number" ? `[${step}]` : `.${step}`)).join("");
    return `fields_json ${shown(path.slice(1))}`;
  }
}

/** JSON.parse gives integer literals and numbers with an exponent alike; here only the literals are refused. */
function refuseLongIntegers(text: string): void {
  JSON.parse(text, (key: string, value: unknown, context?: { readonly source?: string }) => {
    if (typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? "")) {
      throw new RecordProblem(`fields_json ${shown(key)} is an integer of about ${value}, ${beyond}.`);
    }
    return value;
  });
}
