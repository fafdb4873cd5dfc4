import { describe, expect, test } from "vitest";
import { type PageScope, PageTokens, pageSize } from "./page-token.ts";

const tokens = new PageTokens(Buffer.alloc(32, 1));
const scope: PageScope = { tenant: 1, method: "ListRecords", fields: ["faq", undefined, 7n] };
const position = Buffer.from("position");

describe("page tokens", () => {
  test("give their position back, to any process with the same secret", () => {
    const token = tokens.make(scope, position);
    expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(new PageTokens(Buffer.alloc(32, 1)).read({ ...scope }, token)).toEqual(position);
    expect(tokens.read(scope, "")).toBeUndefined();
    expect(tokens.read(scope, tokens.make(scope, new Uint8Array()))).toEqual(Buffer.alloc(0));
  });

  test.each<[string, PageScope]>([
    ["tenant", { ...scope, tenant: 2 }],
    ["method", { ...scope, method: "ListCollections" }],
    ["field", { ...scope, fields: ["faq", "", 7n] }],
    ["number", { ...scope, fields: ["faq", undefined, 8n] }],
  ])("are refused for another %s", (_, other) => {
    expect(() => tokens.read(other, tokens.make(scope, position))).toThrow("page_token");
  });

  test("are refused where forged", () => {
    const token = tokens.make(scope, position);
    const forged = `${token.startsWith("A") ? "B" : "A"}${token.slice(1)}`;
    const stranger = new PageTokens(Buffer.alloc(32, 2)).make(scope, position);
    for (const text of [forged, stranger, token.slice(0, -2), `${token}AA`, "AAAA", "not base64!"]) {
      expect(() => tokens.read(scope, text)).toThrow("page_token");
    }
  });
});

test("a page has 100 entries by default and at most 1,000", () => {
  expect([0, 1, 1_000, 1_001, 2 ** 31 - 1].map(pageSize)).toEqual([100, 1, 1_000, 1_000, 1_000]);
  expect(() => pageSize(-1)).toThrow("page_size");
});
