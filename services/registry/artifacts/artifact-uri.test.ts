import { expect, test } from "vitest";
import { limits } from "../../kit/limits.ts";
import { namesBelow, parseArtifactUri, rootsOf } from "./artifact-uri.ts";

test("is taken apart into names", () => {
  expect(parseArtifactUri("file:///data/a%20b/ü/")).toEqual({ scheme: "file", names: ["data", "a b", "ü"] });
  expect(parseArtifactUri("s3://bucket/line/a%20b")).toEqual({ scheme: "s3", names: ["bucket", "line", "a%20b"] });
  expect(parseArtifactUri("s3://bucket")).toEqual({ scheme: "s3", names: ["bucket"] });
});

test.each([
  "",
  "/data/a",
  "data/a",
  "https://host/a",
  "file://host/data",
  "file:///",
  "file:///a//b",
  "file:///a/./b",
  "file:///a%2fb",
  "file:///a%5cb",
  "file:///a%00b",
  "file:///a%zz",
  "file:///a?b",
  "s3://",
  "s3://bucket//a",
  "s3://bucket/a#b",
])("%j is refused", (uri) => {
  expect(() => parseArtifactUri(uri)).toThrow(expect.objectContaining({ reason: "FIELD_INVALID" }));
});

test.each(["file:///data/../etc", "file:///data/%2e%2e/etc", "file:///..", "s3://bucket/../other"])(
  "%j leads out",
  (uri) => {
    expect(() => parseArtifactUri(uri)).toThrow(expect.objectContaining({ reason: "ADAPTER_FILE_FORBIDDEN" }));
  },
);

test("may be as long as the limit says, and no longer", () => {
  const uri = "file:///".padEnd(limits.artifact_uri_bytes, "a");
  expect(parseArtifactUri(uri).names).toHaveLength(1);
  expect(() => parseArtifactUri(`${uri}a`)).toThrow(
    expect.objectContaining({
      reason: "LIMIT_EXCEEDED",
      metadata: expect.objectContaining({ limit: "artifact_uri_bytes" }),
    }),
  );
});

test("a root is compared name by name, and may be of each tenant", () => {
  expect(namesBelow(["data", "a"], ["data", "a", "b"])).toEqual(["b"]);
  expect(namesBelow(["data", "a"], ["data", "a"])).toEqual([]);
  expect(namesBelow(["data", "a"], ["data", "ab"])).toBeUndefined();
  expect(namesBelow(["data", "a"], ["data"])).toBeUndefined();
  expect(rootsOf(["/data/{tenant}/in", "/all"], "research")).toEqual(["/data/research/in", "/all"]);
});
