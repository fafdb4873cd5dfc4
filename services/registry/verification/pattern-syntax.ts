/** A regular expression as a tree. */
export type PatternNode =
  /** One character; `literal` where it can be only one. */
  | { readonly kind: "character"; readonly literal?: string; readonly set: CharacterSet }
  | { readonly kind: "assertion" }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  | { readonly kind: "repetition"; readonly body: PatternNode; readonly minimum: number; readonly maximum: number };

/** A bit for each character of ASCII, and one for all others. */
export type CharacterSet = bigint;

/** What a pattern has that is not read, in words that follow the name of its field. */
export class SyntaxProblem extends Error {
  override readonly name = "SyntaxProblem";
}

export const allCharacters: CharacterSet = (1n << 129n) - 1n;
const otherCharacters: CharacterSet = 1n << 128n;
const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
const assertion: PatternNode = { kind: "assertion" };
const named = /\?P<[a-z]\w*>/iy;
const quantifier = /[*+?]|\{(\d{1,4})(?:(,)(\d{0,4}))?\}/y;
const characterClass = /\[\^?\]?(?:[^\\\][]|\\.)*\]/suy;
/** One that JavaScript reads as Python does. */
const plainClass = /^\[\^?(?:[\w .,:-]|\\[.dDwW-])+\]$/;

/** Reads what means the same to RE2 and to Python's `re` and `regex`. Throws SyntaxProblem for the rest: other flags than `(?i)` at the beginning, look-around, possessive repetitions. */
export function parsePattern(source: string): PatternNode {
  return new Parser(source).parse();
}

/** The least number of characters that it matches. */
export function leastWidth(node: PatternNode): number {
  switch (node.kind) {
    case "character":
      return 1;
    case "assertion":
      return 0;
    case "sequence":
      return node.parts.reduce((sum, part) => sum + leastWidth(part), 0);
    case "choice":
      return Math.min(...node.options.map(leastWidth));
    case "repetition":
      return node.minimum * leastWidth(node.body);
  }
}

class Parser {
  readonly #source: string;
  readonly #ignoresCase: boolean;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#ignoresCase = this.#take("(?i)");
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#source.length) throw new SyntaxProblem("closes a group that it did not open");
    return node;
  }

  #choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#take("|")) options.push(this.#sequence());
    return options.length === 1 ? (options[0] as PatternNode) : { kind: "choice", options };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#at < this.#source.length && !"|)".includes(this.#source[this.#at] as string)) {
      parts.push(this.#repeated(this.#atom()));
    }
    return parts.length === 1 ? (parts[0] as PatternNode) : { kind: "sequence", parts };
  }

  #repeated(body: PatternNode): PatternNode {
    const match = this.#match(quantifier);
    if (match === undefined) return body;
    this.#take("?");
    if (this.#match(quantifier) !== undefined) throw new SyntaxProblem("has two repetitions of the same");
    if (leastWidth(body) === 0) throw new SyntaxProblem(`repeats something that may be empty (${match[0]})`);
    return { kind: "repetition", body, ...bounds(match) };
  }

  #atom(): PatternNode {
    if (this.#source[this.#at] === "[") return this.#characterClass();
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at) as number);
    this.#at += character.length;
    if (character === "(") return this.#group();
    if (character === "\\") return this.#escape();
    if (character === ".") return { kind: "character", set: allCharacters };
    if ("^$".includes(character)) return assertion;
    if ("*+?{".includes(character)) throw new SyntaxProblem(`has a ${character} that repeats nothing`);
    return this.#literal(character);
  }

  #group(): PatternNode {
    if (this.#match(named) === undefined && this.#take("?") && !this.#take(":")) {
      throw new SyntaxProblem("has groups other than (…), (?:…) and (?P<name>…)");
    }
    const node = this.#choice();
    if (!this.#take(")")) throw new SyntaxProblem("does not close a group");
    return node;
  }

  #escape(): PatternNode {
    const character = this.#source[this.#at++] ?? "";
    if ("bBA".includes(character)) return assertion;
    if ("dDwW".includes(character)) return { kind: "character", set: this.#setOf(`\\${character}`) };
    if ("sSnrtfv".includes(character)) return { kind: "character", set: allCharacters };
    if (!/[!-/:-@[-`{-~]/.test(character)) throw new SyntaxProblem(`has the escape \\${character}`);
    return this.#literal(character);
  }

  #characterClass(): PatternNode {
    const match = this.#match(characterClass);
    if (match === undefined) throw new SyntaxProblem("has a [ that is not closed, or one in […]");
    return { kind: "character", set: plainClass.test(match[0]) ? this.#setOf(match[0]) : allCharacters };
  }

  #literal(character: string): PatternNode {
    const code = character.codePointAt(0) as number;
    if (!this.#ignoresCase) {
      return { kind: "character", literal: character, set: code < 128 ? 1n << BigInt(code) : otherCharacters };
    }
    return { kind: "character", set: allCharacters, ...(code < 128 && { literal: character.toLowerCase() }) };
  }

  #setOf(source: string): CharacterSet {
    return this.#ignoresCase ? allCharacters : setOf(source);
  }

  #take(text: string): boolean {
    const isNext = this.#source.startsWith(text, this.#at);
    if (isNext) this.#at += text.length;
    return isNext;
  }

  #match(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const match = expression.exec(this.#source) ?? undefined;
    this.#at += match?.[0].length ?? 0;
    return match;
  }
}

/** Of a match of `quantifier`. */
function bounds([text, least, comma, most]: RegExpExecArray): { minimum: number; maximum: number } {
  if (least === undefined)
    return { minimum: text === "+" ? 1 : 0, maximum: text === "?" ? 1 : Number.POSITIVE_INFINITY };
  const minimum = Number(least);
  if (comma === undefined) return { minimum, maximum: minimum };
  return { minimum, maximum: most ? Number(most) : Number.POSITIVE_INFINITY };
}

/** What a class matches, and all that is not ASCII. */
function setOf(source: string): CharacterSet {
  const expression = new RegExp(source);
  return ascii.reduce((set, one, code) => (expression.test(one) ? set | (1n << BigInt(code)) : set), otherCharacters);
}
