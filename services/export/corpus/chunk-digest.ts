import type { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { sentBytes } from "./check-record.ts";

const lengthBytes = 4;
const parts = 6;
/** More than any double needs as text. */
const scoreBytes = 32;

/** SHA-256 over the records as sent, computed off this thread; the protocol's `Commit.digest` says over which bytes. */
export async function chunkDigest(records: readonly Record[]): Promise<Uint8Array> {
  const most = records.reduce((bytes, record) => bytes + sentBytes(record) + parts * lengthBytes + scoreBytes, 0);
  const text = new DigestText(most);
  for (const { id, fieldsJson, source, qualityScore, subject, group } of records) {
    text.add(id);
    text.add(fieldsJson);
    text.add(source);
    text.add(qualityScore === undefined ? "" : String(qualityScore));
    text.add(subject);
    text.add(group);
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", text.bytes));
}

class DigestText {
  readonly #buffer: Buffer<ArrayBuffer>;
  #end = 0;

  constructor(capacity: number) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  add(part: string): void {
    const length = part === "" ? 0 : this.#buffer.write(part, this.#end + lengthBytes);
    this.#buffer.writeUInt32BE(length, this.#end);
    this.#end += lengthBytes + length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#end);
  }
}
