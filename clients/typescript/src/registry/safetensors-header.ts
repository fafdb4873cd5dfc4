import { open } from "node:fs/promises";
import { FileError } from "../errors.ts";

/** A tensor as a safetensors file announces it. */
export interface TensorEntry {
  readonly name: string;
  /** e.g. `BF16`. */
  readonly type: string;
  readonly shape: readonly number[];
}

/** As the format allows. */
const HEADER_BYTES = 100_000_000;

/** The tensors of a safetensors file, without their bytes. Throws FileError where it is none. */
export async function readTensors(path: string): Promise<TensorEntry[]> {
  await using file = await open(path);
  const length = (await file.read(Buffer.alloc(8), 0, 8, 0)).buffer.readBigUInt64LE();
  const { size } = await file.stat();
  if (length > BigInt(Math.min(HEADER_BYTES, size - 8)))
    throw new FileError(path, "is no safetensors file, or is cut off");
  const { buffer } = await file.read(Buffer.alloc(Number(length)), 0, Number(length), 8);
  return parseHeader(buffer.toString(), path);
}

function parseHeader(text: string, path: string): TensorEntry[] {
  const entries: [string, unknown][] = Object.entries(parseObject(text, path));
  return entries
    .filter(([name]) => name !== "__metadata__")
    .map(([name, entry]) => {
      if (!isEntry(entry)) throw new FileError(path, `has no shape and type for the tensor ${name}`);
      return { name, type: entry.dtype, shape: entry.shape };
    });
}

function parseObject(text: string, path: string): object {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    throw new FileError(path, "is no safetensors file: its header is no JSON");
  }
}

function isEntry(entry: unknown): entry is { readonly dtype: string; readonly shape: number[] } {
  const { dtype, shape } = Object(entry) as { readonly dtype?: unknown; readonly shape?: unknown };
  return typeof dtype === "string" && Array.isArray(shape) && shape.every((width) => Number.isSafeInteger(width));
}
