import { describe, expect, test } from "vitest";
import { FieldsWorker } from "./fields-worker.ts";
import { normaliseFields } from "./record-fields.ts";
import { RecordProblem } from "./record-problem.ts";

/** JSON of so many megabytes, with white space that goes. */
function jsonOf(megabytes: number): string {
  return `{ "a": ["${'ä\\"'.repeat(megabytes * 250_000)}", 1.0] }`;
}

describe("FieldsWorker", () => {
  test.each([0, 0.1, 1, 3])("gives the same for %d MB as here", async (megabytes) => {
    await using worker = new FieldsWorker();
    const text = jsonOf(megabytes);
    expect(Buffer.from(await worker.normalise(text)).toString()).toBe(normaliseFields(text));
  });

  test("answers each of many at once, in whatever size", async () => {
    await using worker = new FieldsWorker();
    const texts = [3, 0, 1, 2, 0.1].map(jsonOf);
    const answers = await Promise.all(texts.map((text) => worker.normalise(text)));
    expect(answers.map((fields) => Buffer.from(fields).toString())).toEqual(texts.map(normaliseFields));
  });

  test("refuses large texts as small ones, and goes on", async () => {
    await using worker = new FieldsWorker();
    const bad = jsonOf(2).replace("1.0", "1e400");
    await expect(worker.normalise(bad)).rejects.toThrow(RecordProblem);
    await expect(worker.normalise(bad)).rejects.toThrow('"a[1]" is a number too large for a double');
    await expect(worker.normalise(jsonOf(5))).rejects.toThrow("record_bytes");
    expect(await worker.normalise(jsonOf(1))).toBeDefined();
  });

  test("leaves this thread free", async () => {
    await using worker = new FieldsWorker();
    const text = `{"a":[${"[],".repeat(1_300_000)}1]}`;
    await worker.normalise(text);
    const started = process.threadCpuUsage();
    await worker.normalise(text);
    const { user, system } = process.threadCpuUsage(started);
    expect((user + system) / 1000).toBeLessThan(20);
  });
});
