import { monitorEventLoopDelay } from "node:perf_hooks";
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

test("hostile schemas are refused within a second, the event loop runs on, and the next one is checked", async () => {
  await using worker = new SchemaWorker();
  await worker.check("{}");
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  for (const schema of hostileSchemas()) {
    const begin = performance.now();
    await worker.validate(schema, JSON.stringify("a".repeat(60_000))).catch((error: Error) => {
      expect(error).toMatchObject({ reason: "SCHEMA_INVALID" });
    });
    expect(performance.now() - begin).toBeLessThan(1_000);
  }
  delay.disable();
  expect(delay.max / 1e6).toBeLessThan(100);
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
