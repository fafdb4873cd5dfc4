import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeUnfinished, unfinishedName } from "./unfinished.ts";

const digest = "0a".repeat(32);

let cache: string;

beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "loraloop-cache-"));
});

afterEach(() => rmSync(cache, { recursive: true }));

/** Changed last so many hours ago. */
function age(name: string, hours: number): void {
  const time = Date.now() / 1000 - hours * 3600;
  utimesSync(join(cache, name), time, time);
}

test("what a killed process of any client language began is removed after a day, and nothing else, however old", async () => {
  const ofPython = `${digest}.${"0f".repeat(16)}.part`;
  const abandoned = [unfinishedName(digest), ofPython];
  const others = [digest, `${digest}.lock`, "thesis.docx.part", "x.part", `${digest}.part`, `${digest}.thesis.part`];
  for (const name of [...abandoned, digest]) {
    mkdirSync(join(cache, name));
    writeFileSync(join(cache, name, "file"), "");
  }
  for (const name of others.slice(1)) writeFileSync(join(cache, name), "");
  for (const name of [...abandoned, ...others]) age(name, 25);
  const young = unfinishedName(digest);
  mkdirSync(join(cache, young));
  age(young, 23);
  await removeUnfinished(cache);
  expect(new Set(readdirSync(cache))).toEqual(new Set([...others, young]));
});
