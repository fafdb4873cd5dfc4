import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { pipeline, Transform, type TransformCallback } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import type { RecordInput } from "../typescript/src/index.ts";
import { InputError } from "./failure.ts";
import { linesOf } from "./lines.ts";

/** Which keys of a line mean what. */
export interface LineMapping {
  readonly idField: string;
  /** True where a line without id is an error; else the server gives one. */
  readonly idRequired: boolean;
  readonly qualityField?: string;
  readonly subjectField?: string;
  readonly groupField?: string;
}

export interface LineProblem {
  readonly file: string;
  readonly line: number;
  readonly problem: string;
}

/** A JSONL file, plain, gzip (.gz) or zstd (.zst), read line by line. */
export class RecordFile {
  readonly path: string;
  readonly size: number;
  /** Bytes read of the file as it lies on disk. */
  bytesRead = 0;
  readonly #ingestId: string;
  /** Why it could not be read to its end. */
  failure: InputError | undefined;
  /** For each line that gave no record: how many records came before it. */
  #skipped: number[] = [];

  private constructor(path: string, size: number, ingestId: string) {
    this.path = path;
    this.size = size;
    this.#ingestId = ingestId;
  }

  static async open(path: string, mapping: LineMapping): Promise<RecordFile> {
    const found = await stat(path);
    if (found.isDirectory()) throw new InputError(`${path} is a folder; name its files.`);
    const { size, mtimeMs } = found;
    const identity = JSON.stringify([resolve(path), size, mtimeMs, mapping]);
    return new RecordFile(path, size, createHash("sha256").update(identity).digest("hex").slice(0, 32));
  }

  /** The same for the same unchanged file, so that an interrupted ingest goes on. */
  get ingestId(): string {
    return this.#ingestId;
  }

  /** True where every record has an id of its own. */
  async hasIds(mapping: LineMapping): Promise<boolean> {
    for await (const { id } of this.records(mapping, () => undefined)) if (id === "") return false;
    return true;
  }

  /** Records, from the first on; lines that are none go to `onProblem`. */
  async *records(mapping: LineMapping, onProblem: (problem: LineProblem) => void): AsyncGenerator<RecordInput> {
    this.#skipped = [];
    this.bytesRead = 0;
    let [line, records] = [0, 0];
    const source = basename(this.path);
    for await (const bytes of this.#readableLines()) {
      line += 1;
      const record = toRecord(line === 1 ? withoutMark(bytes) : bytes, source, mapping);
      if (typeof record === "object") {
        records += 1;
        yield record;
        continue;
      }
      this.#skipped.push(records);
      if (record !== undefined) onProblem({ file: this.path, line, problem: record });
    }
  }

  /** Ends where the file cannot be read on, so that the ingest is closed with what came before; `failure` says why. */
  async *#readableLines(): AsyncGenerator<Buffer> {
    this.failure = undefined;
    try {
      yield* this.#lines();
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      this.failure = error;
    }
  }

  /** Line number of a record that was read, from its place among the records. */
  lineOf(record: number): number {
    let [low, high] = [0, this.#skipped.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#skipped[middle] as number) <= record) low = middle + 1;
      else high = middle;
    }
    return record + low + 1;
  }

  async *#lines(): AsyncGenerator<Buffer> {
    const counter = new Transform({
      transform: (chunk: Buffer, _encoding, done: TransformCallback) => {
        this.bytesRead += chunk.length;
        done(null, chunk);
      },
    });
    const stages = [createReadStream(this.path), counter, ...this.#decompression()] as const;
    let failure: Error | undefined;
    const output = pipeline([...stages], (error) => {
      failure = error ?? undefined;
    }) as unknown as AsyncIterable<Buffer>;
    try {
      yield* linesOf(output);
    } catch (error) {
      throw new InputError(`${this.path} cannot be read to its end: ${(failure ?? (error as Error)).message}`);
    }
  }

  #decompression(): Transform[] {
    if (this.path.endsWith(".gz")) return [createGunzip()];
    return this.path.endsWith(".zst") ? [createZstdDecompress()] : [];
  }
}

/** The line without the byte order mark that some programs write first. */
function withoutMark(line: Buffer): Buffer {
  return line.length >= 3 && line.readUIntBE(0, 3) === 0xefbbbf ? line.subarray(3) : line;
}

/** A record, why the line is none, or undefined for a blank one. */
function toRecord(bytes: Buffer, source: string, mapping: LineMapping): RecordInput | string | undefined {
  if (!isUtf8(bytes)) return "not UTF-8: save the file in this encoding";
  const line = bytes.toString();
  if (line.trim() === "") return undefined;
  let fields: unknown;
  try {
    fields = JSON.parse(line);
  } catch (error) {
    return `not JSON: ${(error as Error).message}`;
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) return "not a JSON object";
  return recordOf(new Map(Object.entries(fields)), line, source, mapping);
}

type Fields = ReadonlyMap<string, unknown>;

function recordOf(fields: Fields, fieldsJson: string, source: string, mapping: LineMapping): RecordInput | string {
  const id = fieldOf(fields, mapping.idField);
  if (mapping.idRequired && id === undefined) return `no field "${mapping.idField}" for the id`;
  if (mapping.idRequired && id === "") return `"${mapping.idField}" is empty`;
  const quality = fieldOf(fields, mapping.qualityField);
  if (quality !== undefined && typeof quality !== "number") return `"${mapping.qualityField}" is no number`;
  const notText = [mapping.idField, mapping.subjectField, mapping.groupField].find(
    (field) => !["undefined", "string", "number"].includes(typeof fieldOf(fields, field)),
  );
  if (notText !== undefined) return `"${notText}" is neither text nor a number`;
  return {
    id: String(id ?? ""),
    fieldsJson,
    source,
    subject: String(fieldOf(fields, mapping.subjectField) ?? ""),
    group: String(fieldOf(fields, mapping.groupField) ?? ""),
    ...(quality !== undefined && { qualityScore: quality }),
  };
}

/** Undefined where no field is named, or it is missing or null. */
function fieldOf(fields: Fields, field: string | undefined): unknown {
  return field === undefined ? undefined : (fields.get(field) ?? undefined);
}
