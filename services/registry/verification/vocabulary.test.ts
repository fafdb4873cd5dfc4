import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { vocabularies } from "../../../test/support/vocabularies.ts";
import { limits } from "../../kit/limits.ts";
import { JsonProblem } from "./strict-json.ts";
import { vocabularyDigest } from "./vocabulary.ts";

describe("vocabularyDigest", () => {
  test.each(vocabularies.filter(([, { digest }]) => digest !== ""))("is as in every client: %s", (_name, one) => {
    expect(vocabularyDigest(one.text)).toBe(one.digest);
  });

  test.each(vocabularies.filter(([, { digest }]) => digest === ""))("refuses what has none: %s", (_name, { text }) => {
    expect(() => vocabularyDigest(text)).toThrow(JsonProblem);
  });

  test.each([
    ["{}", "has no model where one is expected"],
    ['{"model":{}}', "has no vocab where one is expected"],
    ['{"model":{"vocab":{}},"model":{"vocab":{}}}', 'has the key "model" twice'],
    ['{"model":{"vocab":{"a":0,"b":0}}}', "has the id 0 twice"],
    ['{"model":{"vocab":{"a":[]}}}', 'has no whole number below 2^32 as the id of "a"'],
    ['{"model":{"vocab":[["a",0],["b"]]}}', "has no pair of a token and its score at place 1 of model.vocab"],
    ['{"model":{"vocab":{"a":0', "ends too early, at character 24"],
  ])("says what is wrong with %s", (text, problem) => {
    expect(() => vocabularyDigest(text)).toThrow(new JsonProblem(problem));
  });

  test("counts a token that comes twice as two", () => {
    const [twice, first, last] = ['"a":0,"a":1', '"a":0', '"a":1'].map((ids) =>
      vocabularyDigest(`{"model":{"vocab":{${ids}}}}`),
    );
    expect(twice).toBe(createHash("sha256").update("0 1 a\n1 1 a\n").digest("hex"));
    expect([first, last]).not.toContain(twice);
  });

  test("holds to tokenizer_depth", () => {
    const nested = (depth: number) => `{"deep":${"[".repeat(depth)}${"]".repeat(depth)},"model":{"vocab":{}}}`;
    const nothing = createHash("sha256").digest("hex");
    expect(vocabularyDigest(nested(limits.tokenizer_depth - 1))).toBe(nothing);
    expect(() => vocabularyDigest(nested(limits.tokenizer_depth))).toThrow("is nested deeper than 64");
  });

  test("holds to tokenizer_tokens", { timeout: 60_000 }, () => {
    const tokens = (count: number) => Array.from({ length: count }, (_, id) => `"${id}":${id}`).join();
    const scored = (count: number) => Array.from({ length: count }, () => '["a",0]').join();
    const most = limits.tokenizer_tokens;
    vocabularyDigest(`{"model":{"vocab":{${tokens(most)}}}}`);
    for (const vocabulary of [`{${tokens(most + 1)}}`, `[${scored(most + 1)}]`])
      expect(() => vocabularyDigest(`{"model":{"vocab":${vocabulary}}}`)).toThrow("the limit tokenizer_tokens");
  });
});
