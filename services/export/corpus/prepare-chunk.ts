import type { IngestRecordsRequest_Chunk as Chunk } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import type { RecordError } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import type { CheckedRecord } from "./check-record.ts";
import { checkChunkSize, checkEach, checkStoredSize } from "./check-records.ts";
import { chunkDigest } from "./chunk-digest.ts";
import type { FieldsWorker } from "./fields-worker.ts";
import { idProblem } from "./record-id.ts";
import { RecordProblem } from "./record-problem.ts";

/** A chunk, checked: everything that can be done before the chunks before it are on disk. */
export interface PreparedChunk {
  readonly number: bigint;
  readonly digest: Uint8Array;
  /** As sent, bad ones included. */
  readonly recordCount: number;
  readonly kept: readonly CheckedRecord[];
  readonly errors: readonly RecordError[];
}

/** Throws only for what ends the ingest: too many records or bytes, or none. */
export async function prepareChunk(worker: FieldsWorker, { number, records }: Chunk): Promise<PreparedChunk> {
  checkChunkSize(records);
  const digest = await chunkDigest(records);
  const kept: CheckedRecord[] = [];
  const errors: RecordError[] = [];
  let index = 0;
  for await (const record of checkEach(worker, records)) {
    if (!(record instanceof RecordProblem)) kept.push(record);
    else errors.push({ index, id: usable(records[index]?.id), problem: record.message });
    index += 1;
  }
  checkStoredSize(kept);
  return { number, digest, recordCount: records.length, kept, errors };
}

function usable(id = ""): string {
  return idProblem(id) ? "" : id;
}
