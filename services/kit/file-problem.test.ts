import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fileProblem } from "./file-problem.ts";

const folder = mkdtempSync(join(tmpdir(), "loraloop-file-"));
const file = join(folder, "file");
writeFileSync(file, "");
afterAll(() => rmSync(folder, { recursive: true }));

function problemOf(work: () => unknown, path?: string): string | undefined {
  try {
    work();
  } catch (error) {
    return fileProblem(error, path);
  }
  throw new Error("It did not fail.");
}

test("names the file, or the folder that is missing", () => {
  const missing = join(folder, "missing");
  expect(problemOf(() => readFileSync(missing))).toBe(`There is no ${missing}.`);
  expect(problemOf(() => writeFileSync(join(missing, "x"), ""))).toBe(`There is no folder ${missing}.`);
  expect(problemOf(() => mkdirSync(join(file, "x")))).toBe(`${file}/x cannot exist: a part of this path is no folder.`);
  expect(problemOf(() => readFileSync(folder), folder)).toBe(`${folder} is a folder; name a file.`);
});

test("says nothing of other errors", () => {
  expect(problemOf(() => JSON.parse("{"), file)).toBeUndefined();
  expect(fileProblem(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }), file)).toBeUndefined();
});
