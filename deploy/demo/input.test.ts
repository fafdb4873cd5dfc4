import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readInput } from "./input.ts";
import { guessMapping } from "./mapping.ts";

it("reads the reader's files, holds every 20th record out, and names lines that are no records", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loraloop-demo-test-"));
  const file = join(folder, "own.jsonl");
  const lines = Array.from({ length: 40 }, (_, number) =>
    JSON.stringify({ ask: `Was ist ${number}?`, reply: "Eine Zahl." }),
  );
  await writeFile(file, `${lines.join("\n")}\n\nnot json\n[1]\n`);
  const input = await readInput([file]);
  await rm(folder, { recursive: true });
  expect([input.training.length, input.heldOut.length]).toEqual([38, 2]);
  expect(input.problems).toEqual([expect.stringMatching(/own\.jsonl:42: not JSON/), `${file}:43: not a JSON object`]);
  expect(() => guessMapping(input.keys, {})).toThrow("No format fits the keys ask, reply");
  expect(guessMapping(input.keys, { instruction: "ask", output: "reply" })).toEqual({
    format: "instruction",
    mapping: { instruction: "ask", output: "reply" },
  });
  expect(() => guessMapping(input.keys, { outptu: "reply" })).toThrow('no format has a part "outptu"');
  expect(() => guessMapping(input.keys, { output: "answer" })).toThrow('no record has a key "answer"');
});

it("makes the same records every time, some of them bad", async () => {
  const [one, other] = [await readInput([]), await readInput([])];
  expect(one.training).toEqual(other.training);
  expect(one.training.length + one.heldOut.length).toBeGreaterThan(3000);
  expect(one.problems.length).toBeGreaterThan(10);
});
