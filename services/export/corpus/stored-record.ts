import { hash } from "node:crypto";
import type { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Entry, Micros } from "../../store/store.ts";
import { recordKeyPrefixBytes } from "../keys.ts";
import type { CheckedRecord } from "./check-record.ts";

/** The id in a record's key. */
export function idOf({ key }: Entry): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("utf8", recordKeyPrefixBytes);
}

export function toRecord(entry: Entry): Record {
  const stored = StoredRecord.decode(entry.value);
  return {
    id: idOf(entry),
    fieldsJson: Buffer.from(stored.fieldsJson).toString(),
    source: stored.source,
    qualityScore: stored.qualityScore,
    subject: stored.subject,
    group: stored.group,
    createTime: toTimestamp(stored.createTimeMicros),
    updateTime: toTimestamp(stored.updateTimeMicros),
    contentSha256: hash("sha256", stored.fieldsJson, "buffer"),
    revision: entry.revision,
  };
}

export function toStored(record: CheckedRecord, createTime: Micros, updateTime: Micros): StoredRecord {
  return {
    fieldsJson: record.fields,
    createTimeMicros: createTime,
    updateTimeMicros: updateTime,
    source: record.source,
    qualityScore: record.qualityScore,
    subject: record.subject,
    group: record.group,
  };
}

/** Whether a write would leave the stored record as it is. */
export function sameContent(stored: StoredRecord, record: CheckedRecord): boolean {
  return (
    stored.source === record.source &&
    stored.qualityScore === record.qualityScore &&
    stored.subject === record.subject &&
    stored.group === record.group &&
    Buffer.compare(stored.fieldsJson, record.fields) === 0
  );
}
