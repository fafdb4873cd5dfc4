import { describe, expect, test } from "vitest";
import { Record } from "../../../proto/gen/loraloop/corpus/v1/record.ts";
import { limits } from "../../kit/limits.ts";
import { type CheckedRecord, checkRecord } from "./check-record.ts";
import { FieldsWorker } from "./fields-worker.ts";

function check(record: Partial<Record>): Promise<CheckedRecord> {
  return checkRecord(new FieldsWorker(), Record.fromPartial({ id: "a", fieldsJson: "{}", ...record }));
}

describe("checking a record", () => {
  test("keeps what was sent, with normalised fields, and drops what only the server says", async () => {
    const sent = {
      id: "ä/1",
      fieldsJson: '{ "x": 1.0 }',
      source: "a.jsonl",
      qualityScore: 0.5,
      subject: "s",
      group: "g",
    };
    expect(await check({ ...sent, revision: 7n, contentSha256: Buffer.from("no") })).toEqual({
      id: "ä/1",
      fields: Buffer.from('{"x":1}'),
      source: "a.jsonl",
      qualityScore: 0.5,
      subject: "s",
      group: "g",
    });
  });

  test("gives a UUIDv7 where there is no id", async () => {
    const [one, other] = [await check({ id: "" }), await check({ id: "" })];
    expect(one.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(other.id).not.toBe(one.id);
  });

  test.each<[string, number, (text: string) => Partial<Record>, RegExp]>([
    [
      "id",
      limits.record_id_bytes,
      (id) => ({ id }),
      /^id "x+…" has 257 bytes; expected 1 to 256 bytes \(record_id_bytes\)/,
    ],
    [
      "source",
      limits.source_bytes,
      (source) => ({ source }),
      /^source has 1025 bytes, above the limit source_bytes of 1024/,
    ],
    ["subject", limits.subject_bytes, (subject) => ({ subject }), /^subject has 257 bytes, .*subject_bytes/],
    ["group", limits.subject_bytes, (group) => ({ group }), /^group has 257 bytes, .*subject_bytes/],
  ])("%s takes its limit and not a byte more", async (_field, limit, record, problem) => {
    await check(record("x".repeat(limit)));
    await check(record("ä".repeat(limit / 2)));
    await expect(check(record("x".repeat(limit + 1)))).rejects.toThrow(problem);
    await expect(check(record("ä".repeat(limit / 2 + 1)))).rejects.toThrow(/above|bytes; expected/);
  });

  test.each([
    ["NUL", "a\0", /^id "a\\u0000" holds the control character U\+0000/],
    ["a line feed", "a\n", /U\+000A/],
    ["DEL", "a\u007f", /U\+007F/],
    ["a C1 control", "a\u0085", /U\+0085/],
    ["a right-to-left override", "a\u202egpj", /U\+202E/],
    ["half of a surrogate pair", "a\ud83d", /^id "a\ufffd" holds half of a surrogate pair/],
  ])("an id with %s is refused", async (_name, id, problem) => {
    await expect(check({ id })).rejects.toThrow(problem);
  });

  test.each(["source", "subject", "group"])("NUL in %s is refused", async (field) => {
    await expect(check({ [field]: "a\0" })).rejects.toThrow(`${field} "a\\u0000" holds NUL (U+0000); remove it.`);
  });

  test.each([0, 1, 0.25, undefined])("the quality score %s is kept", async (qualityScore) => {
    expect((await check({ qualityScore })).qualityScore).toBe(qualityScore);
  });

  test.each([-0.001, 1.001, Number.NaN, Number.POSITIVE_INFINITY])(
    "the quality score %s is refused",
    async (qualityScore) => {
      await expect(check({ qualityScore })).rejects.toThrow(`quality_score is ${qualityScore}; expected 0 to 1`);
    },
  );
});
