import { expect, test } from "vitest";
import { artifactDigest, checkDigest } from "./artifact-digest.ts";

test("is what sha256sum gives of sha256sum's own lines, whatever the order of the files", () => {
  const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  const a = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
  const files = [
    { path: "b", digest: empty },
    { path: "a", digest: a },
  ];
  // printf a > a; : > b; sha256sum a b | sha256sum
  const expected = "fb41f4bdc62e333b98e376fb2155d487eead00307a00a58924a43f83b4785c56";
  expect(artifactDigest(files)).toBe(expected);
  expect(artifactDigest(files.toReversed())).toBe(expected);
});

test("has 64 hex digits in lower case", () => {
  checkDigest("0".repeat(64));
  for (const text of ["", "0".repeat(63), "A".repeat(64), `${"0".repeat(64)}/`]) {
    expect(() => checkDigest(text)).toThrow(expect.objectContaining({ reason: "FIELD_INVALID" }));
  }
});
