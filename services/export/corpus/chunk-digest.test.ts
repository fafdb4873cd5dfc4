import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { chunkDigest } from "./chunk-digest.ts";

function framed(...parts: string[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(part));
      return [length, Buffer.from(part)];
    }),
  );
}

test("a chunk's digest is over its records as sent, part by part", async () => {
  const records = [
    { id: "a", fieldsJson: '{ "ä": "😀" }', source: "f", qualityScore: 1, subject: "s", group: "g" },
    { id: "", fieldsJson: "not JSON", qualityScore: 0.25 },
    { id: "c", fieldsJson: "{}" },
  ].map((record) => Record.fromPartial(record));
  const text = Buffer.concat([
    framed("a", '{ "ä": "😀" }', "f", "1", "s", "g"),
    framed("", "not JSON", "", "0.25", "", ""),
    framed("c", "{}", "", "", "", ""),
  ]);
  expect(Buffer.from(await chunkDigest(records))).toEqual(createHash("sha256").update(text).digest());
});
