import { expect, test } from "vitest";
import { SchemaWorker } from "./schema-worker.ts";

test("checks schemas and samples", async () => {
  await using worker = new SchemaWorker();
  await worker.check('{"type":"object"}');
  await expect(worker.check('{"type":"objct"}')).rejects.toMatchObject({ reason: "SCHEMA_INVALID" });
  const problems = await worker.validate('{"required":["a","b"]}', '{"a":1}');
  expect(problems).toEqual([{ path: "", problem: "Missing required field: b" }]);
  expect(await worker.validate('{"additionalProperties":false}', '{"weight":1}', ["weight"])).toEqual([]);
});

test("hostile schemas are refused in a second, hardly touch the calling thread, and the next one is checked", async () => {
  await using worker = new SchemaWorker();
  await worker.check("{}");
  const sample = JSON.stringify("a".repeat(60_000));
  for (const schema of hostileSchemas()) {
    const begin = performance.now();
    const before = process.threadCpuUsage();
    await worker.validate(schema, sample).catch((error: Error) => {
      expect(error).toMatchObject({ reason: "SCHEMA_INVALID" });
    });
    const { user, system } = process.threadCpuUsage(before);
    expect((user + system) / 1000).toBeLessThan(100);
    expect(performance.now() - begin).toBeLessThan(1_000);
  }
  await worker.check("{}");
});

test("a schema that takes too long is refused and its thread ended", async () => {
  await using worker = new SchemaWorker();
  const slow = { uniqueItems: true, items: { allOf: Array.from({ length: 900 }, () => ({ uniqueItems: true })) } };
  const sample = JSON.stringify(Array.from({ length: 900 }, () => Array.from({ length: 250 }, (_, place) => place)));
  await expect(worker.validate(JSON.stringify(slow), sample)).rejects.toMatchObject({
    reason: "SCHEMA_INVALID",
    metadata: { problem: "takes too long or too much memory: schema_milliseconds (600)" },
  });
  await worker.check("{}");
});

function hostileSchemas(): string[] {
  const branches = Array.from({ length: 900 }, (_, index) => ({ pattern: `^(a|a)*${index}$` }));
  const wide = Array.from({ length: 990 }, () => ({ required: ["a"], minProperties: 1 }));
  return [
    '{"pattern":"^(a|a)*$"}',
    JSON.stringify({ anyOf: branches }),
    JSON.stringify({ allOf: wide }),
    `${'{"not":'.repeat(3000)}{}${"}".repeat(3000)}`,
    JSON.stringify({ anyOf: Array.from({ length: 60_000 }, () => ({})) }),
    '{"$ref":"https://example.com/schema.json"}',
    '{"minimum":{"$data":"1/a"}}',
  ];
}
