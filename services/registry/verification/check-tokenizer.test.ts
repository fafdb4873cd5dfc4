import { expect, test } from "vitest";
import { limits } from "../../kit/limits.ts";
import { tokenizerBytes } from "./check-tokenizer.ts";

test("room is taken for a tokenizer that is read", () => {
  const [known, unknown] = [{ vocabularyDigest: "a".repeat(64) }, { vocabularyDigest: "" }];
  const listed = (bytes: number) => [
    { path: "adapter_config.json", byteCount: 10n },
    { path: "tokenizer.json", byteCount: BigInt(bytes) },
    { path: "checkpoint-1/tokenizer.json", byteCount: 20n },
  ];
  expect(tokenizerBytes(listed(limits.tokenizer_bytes), known)).toBe(limits.tokenizer_bytes);
  expect(tokenizerBytes(listed(limits.tokenizer_bytes + 1), known)).toBe(0);
  expect(tokenizerBytes(listed(1000), unknown)).toBe(0);
  expect(tokenizerBytes([], known)).toBe(0);
});
