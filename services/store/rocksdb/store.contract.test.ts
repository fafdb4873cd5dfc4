import { closeSync, openSync, readdirSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import type { Skip } from "../conformance/harness.ts";
import { storeConformance } from "../conformance/suite.ts";
import { createPlace, folderOf, raiseFormat } from "./testing/place.ts";
import { canTrace, powerCut } from "./testing/power-cut.ts";
import { canMount, createOnSmallDisk } from "./testing/small-disk.ts";

const skip: Skip[] = canMount ? [] : [{ category: "disk-full", reason: "Only root can mount a small disk." }];

storeConformance(
  "rocksdb",
  {
    create: createPlace,
    crashes: canTrace ? [powerCut] : [],
    flipByte: async (place) => flipWrittenAheadByte(join(folderOf(place), "rocksdb")),
    createOnSmallDisk,
    openers: "one",
    raiseFormat,
  },
  { skip },
);

if (!canTrace) test("a power cut", (context) => context.skip("strace is not installed."));

/** In the middle of the log. */
function flipWrittenAheadByte(folder: string): void {
  const log = readdirSync(folder).find((name) => name.endsWith(".log")) ?? "";
  flipByte(join(folder, log), Math.floor(statSync(join(folder, log)).size / 2));
}

function flipByte(path: string, at: number): void {
  const byte = Buffer.alloc(1);
  const file = openSync(path, "r+");
  readSync(file, byte, 0, 1, at);
  byte.writeUInt8(byte.readUInt8() ^ 1);
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}
