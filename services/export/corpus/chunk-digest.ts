import type { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { sentBytes } from "./check-record.ts";

const lengthBytes = 4;
const parts = 6;
/** More than any double needs as text. */
const scoreBytes = 32;

/** SHA-256 over the records as sent, computed off this thread; the protocol's `Commit.digest` says over which bytes. */
export async function chunkDigest(records: readonly Record[]): Promise<Uint8Array> {
  const most = records.reduce((bytes, record) => bytes + sentBytes(record) + parts * lengthBytes + scoreBytes, 0);
  const buffer = Buffer.allocUnsafe(most);
  const end = records.reduce((offset, record) => writeRecord(buffer, offset, record), 0);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", buffer.subarray(0, end)));
}

function writeRecord(buffer: Buffer<ArrayBuffer>, offset: number, record: Record): number {
  const { id, fieldsJson, source, qualityScore, subject, group } = record;
  const score = qualityScore === undefined ? "" : String(qualityScore);
  return [id, fieldsJson, source, score, subject, group].reduce((end, part) => writePart(buffer, end, part), offset);
}

function writePart(buffer: Buffer<ArrayBuffer>, offset: number, part: string): number {
  const length = buffer.write(part, offset + lengthBytes);
  buffer.writeUInt32BE(length, offset);
  return offset + lengthBytes + length;
}
