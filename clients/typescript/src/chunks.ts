import { createHash } from "node:crypto";
import type { RecordError, Record as StoredRecord } from "../../../proto/gen/loraloop/corpus/v1/record.ts";

/** A record to write: `id` may be empty (the server gives one). */
export type RecordInput = Pick<StoredRecord, "id" | "fieldsJson"> &
  Partial<Pick<StoredRecord, "source" | "qualityScore" | "subject" | "group">>;

/** A record that was not kept; `index` counts from the first record of the ingest. */
export interface IngestError extends Omit<RecordError, "index"> {
  readonly index: number;
}

export interface Chunk {
  readonly number: number;
  readonly records: readonly RecordInput[];
  /** Place of its first record in the ingest; the others follow without gaps. */
  readonly firstRecord: number;
}

const chunkRecords = 500;
const chunkBytes = 4 * 1024 * 1024;
/** What a message can carry, less what a record's message adds to its text. The server keeps records of up to 4 MiB. */
const sendableBytes = 15 * 1024 * 1024;

/** Cuts records into chunks. Those that no message can carry are refused and end a chunk. */
export async function* chunksOf(
  records: Iterable<RecordInput> | AsyncIterable<RecordInput>,
  refuse: (error: IngestError) => void,
): AsyncGenerator<Chunk> {
  let chunk: RecordInput[] = [];
  let [bytes, number, index] = [0, 0, 0];
  const end = function* (): Generator<Chunk> {
    if (chunk.length > 0) yield { number: number++, records: chunk, firstRecord: index - chunk.length };
    [chunk, bytes] = [[], 0];
  };
  for await (const record of records) {
    const size = partsOf(record).reduce((sum, part) => sum + Buffer.byteLength(part), 0);
    const problem = problemOf(record, size);
    if (problem !== undefined || chunk.length === chunkRecords || bytes + size > chunkBytes) yield* end();
    if (problem === undefined) {
      chunk.push(record);
      bytes += size;
    } else {
      refuse({ index, id: record.id.toWellFormed(), problem });
    }
    index += 1;
  }
  yield* end();
}

function problemOf(record: RecordInput, size: number): string | undefined {
  if (size > sendableBytes) return `has ${size} bytes, more than a message can carry (${sendableBytes}); shorten it.`;
  const broken = partsOf(record).findIndex((part) => !part.isWellFormed());
  return broken === -1
    ? undefined
    : `${partNames[broken]} holds half of a surrogate pair; remove it or write the pair.`;
}

const partNames = ["id", "fields_json", "source", "quality_score", "subject", "group"] as const;

/** As documented at `IngestRecordsRequest.Commit.digest`. */
export function chunkDigest(records: readonly RecordInput[]): Uint8Array {
  const hash = createHash("sha256");
  const length = Buffer.alloc(4);
  for (const record of records) {
    for (const part of partsOf(record)) {
      length.writeUInt32BE(Buffer.byteLength(part));
      hash.update(length).update(part, "utf8");
    }
  }
  return hash.digest();
}

function partsOf({ id, fieldsJson, source = "", qualityScore, subject = "", group = "" }: RecordInput): string[] {
  return [id, fieldsJson, source, qualityScore === undefined ? "" : String(qualityScore), subject, group];
}
