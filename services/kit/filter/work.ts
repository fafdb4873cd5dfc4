import type { CelEnv, CelFunc, CelInput, CelList, CelValue } from "@bufbuild/cel";
import { limits } from "../limits.ts";
import { filterLibrary } from "./library.ts";
import { indexedValue, loopRange } from "./syntax.ts";

/** What a part of an expression that a loop evaluates costs, in characters that take as long: most where it fails. */
const partCost = 128;
/** What an element costs that `in` looks at, or that is compared. */
const elementCost = 32;
/** What a list or map costs that is compared. */
const nestedCost = 256;
/** What looking at one key of a map costs. */
const keyCost = 8;

type Cost = (target: CelValue | undefined, args: readonly CelValue[]) => number;

/** What one evaluation may still do: elements of loops, and characters that it reads or makes. With nothing left it is void. */
export class Work {
  #steps = 0;
  #characters = 0;
  #problem: string | undefined;

  /** Why the evaluation is void; undefined where it is not. */
  get problem(): string | undefined {
    return this.#problem;
  }

  begin(): void {
    this.#steps = limits.filter_steps;
    this.#characters = limits.filter_work;
    this.#problem = undefined;
  }

  /** Throws where nothing is left: at once ends what the library does. */
  charge(characters: number): void {
    this.#characters -= characters;
    if (this.#characters < 0) throw this.#end(`does more work than filter_work (${limits.filter_work}) allows`);
  }

  chargeLoop(elements: number, parts: number): void {
    this.#steps -= elements;
    if (this.#steps < 0) throw this.#end(`loops over more than filter_steps (${limits.filter_steps}) elements`);
    this.charge(elements * parts * partCost);
  }

  #end(problem: string): Error {
    this.#problem ??= problem;
    return new Error(problem);
  }
}

/** The same environment, in which every function whose arguments may be large is paid for before it is called. */
export function paidEnvironment(environment: CelEnv, work: Work): CelEnv {
  const costs = costsOf(work);
  const find = (name: string) => {
    const group = environment.funcs.find(name);
    const cost = costs.get(name);
    if (group === undefined || cost === undefined) return group;
    const call: typeof group.call = (id, target, args) => {
      work.charge(cost(target, args));
      return group.call(id, target, args);
    };
    return { call };
  };
  return Object.create(environment, { funcs: { value: { find } } }) as CelEnv;
}

function costsOf(work: Work): ReadonlyMap<string, Cost> {
  const equality: Cost = (_, [one, other]) => equalityCost(one, other, work);
  const comparison: Cost = (_, [one, other]) => Math.min(lengthOf(one), lengthOf(other));
  const first: Cost = (target, [argument]) => lengthOf(target ?? argument);
  const parsed: Cost = (_, [text]) => 8 * lengthOf(text);
  const integer: Cost = (_, [text]) => 64 * lengthOf(text);
  return new Map<string, Cost>([
    ["_+_", (_, [one, other]) => sizeOf(one) + sizeOf(other)],
    ["_==_", equality],
    ["_!=_", equality],
    ["@in", (_, [value, range]) => membershipCost(value, range, work)],
    ...["_<_", "_<=_", "_>_", "_>=_"].map((name) => [name, comparison] as const),
    ["size", first],
    ["contains", (text, [part]) => searchCost(lengthOf(text), lengthOf(part))],
    ...["startsWith", "endsWith"].map((name): [string, Cost] => [name, (_, [part]) => lengthOf(part)]),
    ...["bool", "bytes", "double", "duration", "string", "timestamp"].map((name) => [name, parsed] as const),
    ...["int", "uint"].map((name) => [name, integer] as const),
  ]);
}

/** Characters of a text, bytes of bytes. */
function lengthOf(value: CelValue | undefined): number {
  return typeof value === "string" || value instanceof Uint8Array ? value.length : 0;
}

/** What a copy takes: an element of a list as much as 4 characters. */
function sizeOf(value: CelValue | undefined): number {
  return filterLibrary.cel.isCelList(value) ? 4 * value.size : lengthOf(value);
}

/** Short parts are found at once; V8 may compare long ones at every place. */
function searchCost(text: number, part: number): number {
  return text / 4 + (part > 16 ? (Math.max(0, text - part) * part) / 64 : 0);
}

function equalityCost(one: CelValue | undefined, other: CelValue | undefined, work: Work): number {
  if (typeof one !== "object" || one === null || typeof other !== "object") {
    return typeof one === "string" && typeof other === "string" && one.length === other.length ? one.length / 4 : 0;
  }
  return one === other ? 0 : chargeElements(one, work);
}

/** Charges by and by for what a list or map holds at any depth, so that weighing is bounded too. */
function chargeElements(value: CelValue, work: Work): number {
  const { isCelList, isCelMap } = filterLibrary.cel;
  work.charge((isCelList(value) || isCelMap(value) ? nestedCost : elementCost) + lengthOf(value));
  if (isCelList(value)) {
    for (const element of value) chargeElements(element, work);
  } else if (isCelMap(value)) {
    for (const element of value.values()) chargeElements(element, work);
  }
  return 0;
}

function membershipCost(value: CelValue | undefined, range: CelValue | undefined, work: Work): number {
  const { isCelList, isCelMap } = filterLibrary.cel;
  if (isCelMap(range)) return lookupCost(value, range.size);
  if (!isCelList(range)) return 0;
  if (lengthOf(value) > elementCost || typeof value === "object") {
    for (const element of range) work.charge(equalityCost(element, value, work));
  }
  return range.size * elementCost;
}

/** For a number the library may go through all keys of a map. */
function lookupCost(key: CelValue | undefined, entries: number): number {
  return typeof key === "string" || typeof key === "boolean" ? 0 : entries * keyCost;
}

/** Functions that replace the library's: those of loops and indices, and those that take longer there than they must. */
export function paidFunctions(work: Work): CelFunc[] {
  const { CelScalar, celFunc, celMethod, isCelList, isCelMap, listType } = filterLibrary.cel;
  const { DYN, INT, STRING } = CelScalar;
  const list = listType(DYN);
  return [
    celFunc(loopRange, [DYN, INT], DYN, (range, parts): CelValue => {
      if (isCelList(range) || isCelMap(range)) work.chargeLoop(range.size, Number(parts));
      return range;
    }),
    celFunc(indexedValue, [DYN], DYN, (value): CelValue => {
      if (isCelMap(value)) work.charge(value.size * keyCost);
      return value;
    }),
    celFunc("_+_", [list, list], list, flatLists()),
    celFunc("size", [STRING], INT, (text) => codePoints(text)),
    celMethod("size", STRING, [], INT, function () {
      return codePoints(this);
    }),
  ];
}

/** Joins lists into flat ones: those of the library are nested one deeper by each turn of `map` and `filter`. */
function flatLists(): (one: CelList, other: CelList) => CelList {
  const arrays = new WeakMap<CelList, readonly CelInput[]>();
  const arrayOf = (list: CelList) => arrays.get(list) ?? [...list];
  return (one, other) => {
    const joined = arrayOf(one).concat(arrayOf(other));
    const list = filterLibrary.cel.celList(joined);
    arrays.set(list, joined);
    return list;
  };
}

/** Without a list of them, which would take eight times the memory. */
function codePoints(text: string): bigint {
  let count = text.length;
  for (let index = 1; index < text.length; index += 1) {
    const isPair = (text.charCodeAt(index) & 0xfc00) === 0xdc00 && (text.charCodeAt(index - 1) & 0xfc00) === 0xd800;
    if (isPair) count -= 1;
  }
  return BigInt(count);
}
