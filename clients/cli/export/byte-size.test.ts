import { expect, test } from "vitest";
import { parseByteSize } from "./byte-size.ts";

test.for([
  ["1", 1],
  ["500MB", 500_000_000],
  ["0.5 GB", 500_000_000],
  ["64KiB", 65_536],
  ["2kB", 2_000],
  ["7B", 7],
] as const)("%s are %i bytes", ([text, bytes]) => {
  expect(parseByteSize(text, "--shard-size")).toBe(bytes);
});

test.for(["", "0", "0.1B", "-1", "5 mb", "1e9", "999999999999TB"])("%j is not a size", (text) => {
  expect(() => parseByteSize(text, "--shard-size")).toThrow("--shard-size is not a size");
});
