/** What `parseStrictJson` gives: objects are maps, in the order of the text. */
export type JsonValue = null | boolean | number | Decimal | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

/** A number that is written with a point or an exponent: Python reads `8.0` as another kind of number than `8`. */
export class Decimal {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

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
  return new JsonReader(text, options).whole();
}

/** As `parseStrictJson` for an object, whose members are handed over one by one and not kept. False for what is no object. */
export function readStrictMembers(
  text: string,
  options: StrictJsonOptions,
  take: (key: string, value: JsonValue) => void,
): boolean {
  return new JsonReader(text, options).members(take);
}

const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const words: readonly [string, JsonValue][] = [
  ["null", null],
  ["true", true],
  ["false", false],
];
const [TAB, NEWLINE, RETURN, SPACE, QUOTE, COMMA, COLON, OPEN_LIST, BACKSLASH, CLOSE_LIST, OPEN, CLOSE] = [
  ...'\t\n\r ",:[\\]{}',
].map((character) => character.charCodeAt(0));

/** Reads a text of JSON from its beginning to its end, and keeps only what it is asked for. Methods throw JsonProblem. */
export class JsonReader {
  readonly #text: string;
  readonly #options: StrictJsonOptions;
  #at = 0;
  #depth = 0;

  constructor(text: string, options: StrictJsonOptions) {
    this.#text = text;
    this.#options = options;
  }

  whole(): JsonValue {
    const value = this.#value();
    this.end();
    return value;
  }

  members(take: (key: string, value: JsonValue) => void): boolean {
    if (!this.isAtObject()) return false;
    this.#object(take);
    this.end();
    return true;
  }

  /** Whether an object comes next. */
  isAtObject(): boolean {
    return this.#next() === OPEN;
  }

  /** Whether a list comes next. */
  isAtList(): boolean {
    return this.#next() === OPEN_LIST;
  }

  /** Passes the object that comes next; `member` reads or passes the value of each key, which may come twice. */
  passObject(member: (key: string) => void): void {
    this.#passAll(CLOSE, () => member(this.#key()));
  }

  /** Passes the list that comes next; `element` reads or passes each. */
  passList(element: () => void): void {
    this.#passAll(CLOSE_LIST, element);
  }

  /** Passes the value that comes next, whatever it is. */
  pass(): void {
    if (this.isAtObject()) this.passObject(() => this.pass());
    else if (this.isAtList()) this.passList(() => this.pass());
    else this.scalar();
  }

  /** What comes next and is neither an object nor a list. */
  scalar(): JsonValue {
    return this.#next() === QUOTE ? this.#string() : this.#wordOrNumber();
  }

  /** After the last value. */
  end(): void {
    if (!Number.isNaN(this.#next())) throw this.#unexpected();
  }

  #value(): JsonValue {
    if (this.isAtObject()) return this.#object();
    return this.isAtList() ? this.#list() : this.scalar();
  }

  /** Keeps the members, or only their keys where something takes them. */
  #object(take?: (key: string, value: JsonValue) => void): JsonObject {
    const object = new Map<string, JsonValue>();
    this.passObject((key) => {
      if (object.has(key)) throw new JsonProblem(`has the key ${shownText(key)} twice`);
      const value = this.#value();
      object.set(key, take === undefined ? value : null);
      take?.(key, value);
    });
    return object;
  }

  #list(): JsonValue[] {
    const list: JsonValue[] = [];
    this.passList(() => list.push(this.#value()));
    return list;
  }

  #key(): string {
    if (this.#next() !== QUOTE) throw this.#unexpected();
    const key = this.#string();
    if (!this.#skips(COLON)) throw this.#unexpected();
    return key;
  }

  #passAll(close: number | undefined, passOne: () => void): void {
    if (this.#depth === this.#options.depth) throw new JsonProblem(`is nested deeper than ${this.#depth}`);
    this.#depth++;
    this.#at++;
    if (!this.#skips(close)) {
      do passOne();
      while (this.#skips(COMMA));
      if (!this.#skips(close)) throw this.#unexpected();
    }
    this.#depth--;
  }

  #string(): string {
    const start = this.#at;
    let end = this.#text.indexOf('"', start + 1);
    while (end !== -1 && this.#isEscaped(end, start)) end = this.#text.indexOf('"', end + 1);
    if (end === -1) throw new JsonProblem("ends inside of a string");
    this.#at = end + 1;
    const content = this.#text.slice(start + 1, end);
    return isPlain.test(content) ? content : decodeString(`"${content}"`);
  }

  #isEscaped(at: number, start: number): boolean {
    let first = at;
    while (first > start + 1 && this.#text.charCodeAt(first - 1) === BACKSLASH) first--;
    return (at - first) % 2 === 1;
  }

  #wordOrNumber(): JsonValue {
    if (isDigit(this.#text.charCodeAt(this.#at))) return this.#number();
    for (const [word, value] of words) {
      if (this.#text.startsWith(word, this.#at)) {
        this.#at += word.length;
        return value;
      }
    }
    return this.#number();
  }

  #number(): number | Decimal {
    numberForm.lastIndex = this.#at;
    if (!numberForm.test(this.#text)) throw this.#unexpected();
    const literal = this.#text.slice(this.#at, numberForm.lastIndex);
    this.#at = numberForm.lastIndex;
    const value = Number(literal);
    if (!Number.isFinite(value)) throw new JsonProblem(`has the number ${shownText(literal)}, which is too large`);
    if (this.#options.lengthsOnly && !(isDigits.test(literal) && Number.isSafeInteger(value))) {
      throw new JsonProblem(`has the number ${shownText(literal)}; expected 0 to 2^53 − 1`);
    }
    return isWhole.test(literal) ? value : new Decimal(value);
  }

  /** The next character that is no white space, without passing it; NaN at the end. */
  #next(): number {
    let code = this.#text.charCodeAt(this.#at);
    while (code === SPACE || code === NEWLINE || code === RETURN || code === TAB)
      code = this.#text.charCodeAt(++this.#at);
    return code;
  }

  #skips(code: number | undefined): boolean {
    if (this.#next() !== code) return false;
    this.#at++;
    return true;
  }

  #unexpected(): JsonProblem {
    const found = this.#text[this.#at];
    const what = found === undefined ? "ends too early" : `has ${shownText(found)} where JSON has none`;
    return new JsonProblem(`${what}, at character ${this.#at}`);
  }
}

/** Characters that stand for themselves, none of them half of a pair. */
const isPlain = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;
const isDigits = /^\d+$/;
const isWhole = /^-?\d+$/;
const [ZERO, NINE] = [48, 57];

function isDigit(code: number): boolean {
  return code >= ZERO && code <= NINE;
}

function decodeString(literal: string): string {
  try {
    const value: string = JSON.parse(literal);
    if (value.isWellFormed()) return value;
  } catch {
    // Said below.
  }
  throw new JsonProblem(`has the string ${shownText(literal)}, which is none`);
}

/** The text of bytes; undefined where they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A text of somebody else in a message. */
export function shownText(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text).toWellFormed();
}
