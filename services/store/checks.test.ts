import { expect, test } from "vitest";
import { checkCommit, keyText } from "./checks.ts";
import { put } from "./conformance/helpers.ts";

test("a commit's bytes are those of its keys and values", () => {
  expect(checkCommit([put("a", "123"), { delete: Uint8Array.of(1, 2) }], [])).toBe(6);
});

test("errors write a key as hex, also where it lies inside a larger buffer", () => {
  expect(keyText(Uint8Array.of(0, 1, 0xab, 9).subarray(1, 3))).toBe("01ab");
});
