import type { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { ServiceError } from "../../kit/errors.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { Slices } from "../../kit/slices.ts";
import { type CheckedRecord, checkRecord, keptBytes, sentBytes } from "./check-record.ts";
import type { FieldsWorker } from "./fields-worker.ts";
import { RecordProblem, shown } from "./record-problem.ts";
import { checkCount } from "./request-checks.ts";

/** What came of checking one record of a chunk. */
export type Checked = CheckedRecord | RecordProblem;

/** Refuses more records than one commit takes. One record alone may be larger than a chunk: its own limits are checked later. */
export function checkChunkSize(records: readonly Record[]): void {
  checkCount("records", records.length);
  const bytes = records.reduce((sum, record) => sum + sentBytes(record), 0);
  if (records.length > 1 && bytes > limits.chunk_bytes) {
    throw limitExceeded("chunk_bytes", bytes, "The size of all records in bytes");
  }
}

/** The same for what is kept: normalised JSON may be longer than what was sent. */
export function checkStoredSize(records: readonly CheckedRecord[]): void {
  const bytes = records.reduce((sum, record) => sum + keptBytes(record), 0);
  if (records.length > 1 && bytes > limits.chunk_stored_bytes) {
    throw limitExceeded("chunk_stored_bytes", bytes, "The size of all records as kept in bytes");
  }
}

/** Checks record by record, in order. */
export async function* checkEach(worker: FieldsWorker, records: readonly Record[]): AsyncGenerator<Checked> {
  const slices = new Slices();
  for (const record of records) {
    yield await checkOne(worker, record);
    await slices.done(record.fieldsJson.length);
  }
}

async function checkOne(worker: FieldsWorker, record: Record): Promise<Checked> {
  try {
    return await checkRecord(worker, record);
  } catch (error) {
    if (error instanceof RecordProblem) return error;
    throw error;
  }
}

/** All records, or RECORD_INVALID for the first that cannot be kept, or whose id came before. */
export async function checkAll(worker: FieldsWorker, records: readonly Record[]): Promise<CheckedRecord[]> {
  const checked = new Map<string, CheckedRecord>();
  for await (const record of checkEach(worker, records)) {
    const index = checked.size;
    if (record instanceof RecordProblem) throw invalid(index, records[index]?.id ?? "", record.message, record);
    if (checked.has(record.id)) throw invalid(index, record.id, `id ${shown(record.id)} comes twice; send it once.`);
    checked.set(record.id, record);
  }
  const kept = [...checked.values()];
  checkStoredSize(kept);
  return kept;
}

function invalid(index: number, id: string, problem: string, cause?: unknown): ServiceError {
  const metadata = { record: id, index: String(index), problem };
  return new ServiceError("RECORD_INVALID", `records[${index}]: ${problem}`, metadata, { cause });
}
