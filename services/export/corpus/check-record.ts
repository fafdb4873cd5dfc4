import { v7 as uuidv7 } from "uuid";
import type { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { type LimitName, limits } from "../../kit/limits.ts";
import type { FieldsWorker } from "./fields-worker.ts";
import { idProblem } from "./record-id.ts";
import { RecordProblem, shown } from "./record-problem.ts";

/** A record that can be kept. */
export interface CheckedRecord {
  readonly id: string;
  /** Normalised JSON, UTF-8. */
  readonly fields: Uint8Array;
  readonly source: string;
  readonly qualityScore: number | undefined;
  readonly subject: string;
  readonly group: string;
}

/** Checks and normalises a record as sent; gives it an id where it has none. Rejects with RecordProblem. */
export async function checkRecord(worker: FieldsWorker, record: Record): Promise<CheckedRecord> {
  const { id, fieldsJson, source, qualityScore, subject, group } = record;
  checkId(id);
  checkText("source", source, "source_bytes");
  checkText("subject", subject, "subject_bytes");
  checkText("group", group, "subject_bytes");
  checkQualityScore(qualityScore);
  return { id: id || uuidv7(), fields: await worker.normalise(fieldsJson), source, qualityScore, subject, group };
}

/** Bytes of a record as sent: what counts toward `chunk_bytes`. */
export function sentBytes(record: Record): number {
  return Buffer.byteLength(record.fieldsJson) + textBytes(record);
}

/** The same of a record as kept: what counts toward `chunk_stored_bytes`. */
export function keptBytes(record: CheckedRecord): number {
  return record.fields.length + textBytes(record);
}

function textBytes({ id, source, subject, group }: Pick<Record, "id" | "source" | "subject" | "group">): number {
  return Buffer.byteLength(id) + Buffer.byteLength(source) + Buffer.byteLength(subject) + Buffer.byteLength(group);
}

function checkId(id: string): void {
  const found = id === "" ? undefined : idProblem(id);
  if (found) throw new RecordProblem(`id ${shown(id)} ${found.problem}; expected ${found.expected}.`);
}

function checkText(field: string, text: string, limit: LimitName): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits[limit]) {
    throw new RecordProblem(`${field} has ${bytes} bytes, above the limit ${limit} of ${limits[limit]}; shorten it.`);
  }
  if (text.includes("\0")) throw new RecordProblem(`${field} ${shown(text)} holds NUL (U+0000); remove it.`);
}

function checkQualityScore(score: number | undefined): void {
  if (score !== undefined && !(score >= 0 && score <= 1)) {
    throw new RecordProblem(`quality_score is ${score}; expected 0 to 1, or no value where it is not known.`);
  }
}
