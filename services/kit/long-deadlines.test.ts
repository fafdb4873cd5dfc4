import { expect, test } from "vitest";
import { capTimeout } from "./long-deadlines.ts";

test.each([
  ["24 days stay", "2073600S", "2073600S"],
  ["30 days become 24", "2592000S", "2073600S"],
  ["a second more than 24 days too", "2073601S", "2073600S"],
  ["hours", "577H", "2073600S"],
  ["minutes", "34561M", "2073600S"],
  ["what is short stays, whatever its unit", "99999999u", "99999999u"],
  ["what is no timeout is left to grpc-js", "abc", "abc"],
  ["nine digits are none", "999999999S", "999999999S"],
])("%s", (_, header, capped) => {
  expect(capTimeout(header)).toBe(capped);
});
