import { limits } from "../../kit/limits.ts";
import {
  decodeUtf8,
  type JsonObject,
  JsonProblem,
  type JsonValue,
  readStrictMembers,
  shownText,
} from "./strict-json.ts";
import { tensorTypes } from "./tensor-types.ts";

/** A tensor of a safetensors file. */
export interface Tensor {
  readonly name: string;
  /** Key of `tensorTypes`. */
  readonly type: string;
  readonly shape: readonly number[];
  /** Product of the shape. */
  readonly elements: number;
  /** Where its bytes begin, counted from the end of the header. */
  readonly begin: number;
  /** Where they end, exclusive. */
  readonly end: number;
}

/** Why a file is no safetensors file, as a sentence without its beginning and end. */
export class HeaderProblem extends Error {
  override readonly name = "HeaderProblem";
  /** The tensor that it is about; empty where it is about none. */
  readonly tensor: string;

  constructor(problem: string, tensor = "") {
    super(problem);
    this.tensor = tensor;
  }
}

/** Object, tensor, shape. */
const headerDepth = 3;

/**
 * Reads the header of a safetensors file as strictly as the format is defined. Returns its tensors in the order of their bytes, which
 * lie one after the other from 0 to `dataBytes`. Throws HeaderProblem.
 */
export function readHeader(bytes: Uint8Array, dataBytes: number): Tensor[] {
  const tensors: Tensor[] = [];
  readMembers(decodeUtf8(bytes), (name, entry) => {
    if (name === "__metadata__") checkMetadata(entry);
    else tensors.push(readTensor(name, entry));
  });
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  checkCoverage(tensors, dataBytes);
  return tensors;
}

function readMembers(text: string | undefined, take: (name: string, entry: JsonValue) => void): void {
  if (text === undefined) throw new HeaderProblem("its header is not UTF-8");
  if (!text.startsWith("{")) throw new HeaderProblem("its header does not begin with {");
  try {
    readStrictMembers(text, { depth: headerDepth, lengthsOnly: true }, take);
  } catch (error) {
    if (error instanceof JsonProblem) throw new HeaderProblem(`its header ${error.message}`);
    throw error;
  }
}

function checkMetadata(value: JsonValue): void {
  if (!isObject(value) || [...value.values()].some((text) => typeof text !== "string")) {
    throw new HeaderProblem("__metadata__ in its header is no object of strings");
  }
}

function readTensor(name: string, entry: JsonValue): Tensor {
  if (name.length > limits.tensor_name_characters) {
    const limit = `the limit tensor_name_characters is ${limits.tensor_name_characters}`;
    throw tensorProblem(name, `has a name of ${name.length} characters; ${limit}`);
  }
  if (!isObject(entry) || entry.size !== 3) throw tensorProblem(name, "is no object of dtype, shape and data_offsets");
  const type = entry.get("dtype");
  const bits = typeof type === "string" ? tensorTypes.get(type)?.bits : undefined;
  if (typeof type !== "string" || bits === undefined) throw tensorProblem(name, "has a dtype that safetensors has not");
  const shape = lengths(entry.get("shape"));
  if (shape === undefined) throw tensorProblem(name, "has a shape that is no list of lengths");
  const [begin, end, ...more] = lengths(entry.get("data_offsets")) ?? [];
  if (begin === undefined || end === undefined || more.length > 0 || begin > end) {
    throw tensorProblem(name, "has data_offsets that are no beginning and end");
  }
  const elements = product(name, shape);
  if (end - begin !== byteCount(name, elements, bits)) {
    throw tensorProblem(name, `has ${end - begin} bytes, which is not what its shape [${shape}] of ${type} takes`);
  }
  return { name, type, shape, elements, begin, end };
}

function lengths(value: JsonValue | undefined): readonly number[] | undefined {
  return Array.isArray(value) && value.every((length) => typeof length === "number") ? value : undefined;
}

function product(name: string, shape: readonly number[]): number {
  return shape.reduce((elements, length) => {
    const next = elements * length;
    if (!Number.isSafeInteger(next))
      throw tensorProblem(name, `has a shape [${shape.slice(0, 8)}] beyond 2^53 elements`);
    return next;
  }, 1);
}

function byteCount(name: string, elements: number, bits: number): number {
  const total = elements * bits;
  if (!Number.isSafeInteger(total)) throw tensorProblem(name, "has a shape beyond 2^53 bits");
  if (total % 8 !== 0) throw tensorProblem(name, "does not end with a whole byte");
  return total / 8;
}

/** The tensors lie one after the other without holes and overlaps, and nothing follows the last. */
function checkCoverage(tensors: readonly Tensor[], dataBytes: number): void {
  let end = 0;
  for (const tensor of tensors) {
    if (tensor.begin !== end) {
      const what = tensor.begin < end ? "overlaps the tensor before it" : "leaves a hole before it";
      throw tensorProblem(tensor.name, `${what}: it begins at ${tensor.begin}, not at ${end}`);
    }
    end = tensor.end;
  }
  if (end !== dataBytes) {
    const what = end > dataBytes ? "is cut off" : "has bytes that belong to no tensor";
    throw new HeaderProblem(`the file ${what}: its tensors take ${end} bytes, ${dataBytes} follow the header`);
  }
}

function tensorProblem(name: string, problem: string): HeaderProblem {
  return new HeaderProblem(`tensor ${shownText(name)} ${problem}`, name);
}

function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map;
}
