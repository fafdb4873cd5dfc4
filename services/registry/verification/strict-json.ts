/** What `parseStrictJson` gives: objects are maps, in the order of the text. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** Why a text is not taken, as a sentence without its beginning and end. */
export class JsonProblem extends Error {
  override readonly name = "JsonProblem";
}

export interface StrictJsonOptions {
  /** Nesting that is taken. */
  readonly depth: number;
  /** Only numbers that are lengths: 0 to 2^53 − 1, without sign, point or exponent. */
  readonly lengthsOnly?: boolean;
}

/** Parses JSON, and takes no object with the same key twice, of which every reader of JSON picks another. Throws JsonProblem. */
export function parseStrictJson(text: string, options: StrictJsonOptions): JsonValue {
  return new Parser(text, options).parse();
}

const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const whitespace = /[ \t\n\r]*/y;
const words: readonly [string, JsonValue][] = [
  ["null", null],
  ["true", true],
  ["false", false],
];

class Parser {
  readonly #text: string;
  readonly #options: StrictJsonOptions;
  #at = 0;
  #depth = 0;

  constructor(text: string, options: StrictJsonOptions) {
    this.#text = text;
    this.#options = options;
  }

  parse(): JsonValue {
    const value = this.#value();
    this.#skipWhitespace();
    if (this.#at < this.#text.length) throw this.#unexpected();
    return value;
  }

  #value(): JsonValue {
    this.#skipWhitespace();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#nested(() => this.#object());
      case "[":
        return this.#nested(() => this.#list());
      case '"':
        return this.#string();
      default:
        return this.#wordOrNumber();
    }
  }

  #nested<T>(read: () => T): T {
    if (this.#depth === this.#options.depth) throw new JsonProblem(`is nested deeper than ${this.#depth}`);
    this.#depth++;
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): JsonObject {
    const object = new Map<string, JsonValue>();
    if (this.#skips("}")) return object;
    do {
      this.#skipWhitespace();
      if (this.#text[this.#at] !== '"') throw this.#unexpected();
      const key = this.#string();
      if (object.has(key)) throw new JsonProblem(`has the key ${shownText(key)} twice`);
      if (!this.#skips(":")) throw this.#unexpected();
      object.set(key, this.#value());
    } while (this.#skips(","));
    if (!this.#skips("}")) throw this.#unexpected();
    return object;
  }

  #list(): JsonValue[] {
    const list: JsonValue[] = [];
    if (this.#skips("]")) return list;
    do {
      list.push(this.#value());
    } while (this.#skips(","));
    if (!this.#skips("]")) throw this.#unexpected();
    return list;
  }

  #string(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (end !== -1 && this.#isEscaped(end, start)) end = this.#text.indexOf('"', end + 1);
    if (end === -1) throw new JsonProblem("ends inside of a string");
    this.#at = end + 1;
    return this.#unescape(this.#text.slice(start, end + 1));
  }

  #isEscaped(at: number, start: number): boolean {
    let first = at;
    while (first > start + 1 && this.#text[first - 1] === "\\") first--;
    return (at - first) % 2 === 1;
  }

  #unescape(literal: string): string {
    try {
      const value: string = JSON.parse(literal);
      if (value.isWellFormed()) return value;
    } catch {
      // Said below.
    }
    throw new JsonProblem(`has the string ${shownText(literal)}, which is none`);
  }

  #wordOrNumber(): JsonValue {
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #number(): number {
    number.lastIndex = this.#at;
    const literal = number.exec(this.#text)?.[0];
    if (literal === undefined) throw this.#unexpected();
    this.#at += literal.length;
    const value = Number(literal);
    if (!Number.isFinite(value)) throw new JsonProblem(`has the number ${shownText(literal)}, which is too large`);
    if (this.#options.lengthsOnly && !(/^\d+$/.test(literal) && Number.isSafeInteger(value))) {
      throw new JsonProblem(`has the number ${shownText(literal)}; expected 0 to 2^53 − 1`);
    }
    return value;
  }

  #skipWhitespace(): void {
    whitespace.lastIndex = this.#at;
    this.#at += whitespace.exec(this.#text)?.[0].length ?? 0;
  }

  #skips(character: string): boolean {
    this.#skipWhitespace();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #unexpected(): JsonProblem {
    const found = this.#text[this.#at];
    const what = found === undefined ? "ends too early" : `has ${shownText(found)} where JSON has none`;
    return new JsonProblem(`${what}, at character ${this.#at}`);
  }
}

/** A text of somebody else in a message. */
export function shownText(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text).toWellFormed();
}
