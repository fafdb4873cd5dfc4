import { expect, test } from "vitest";
import { readMetadata, readRegistry } from "../../../test/support/documents.ts";

const metadataUri = (path: string, baseUri: string) => {
  const document = JSON.stringify({ adapter_id: "legal-qa-v1", vllm: { adapter_path: path } });
  return readMetadata(document, baseUri)[0]?.version.artifact?.uri;
};
const registryUri = (entry: object, baseUri: string) =>
  readRegistry(JSON.stringify([{ id: "a" }, entry]), baseUri)[1]?.version.artifact?.uri;

test.each([
  ["legal-qa-v1", "file:///models/adapters", "file:///models/adapters/legal-qa-v1"],
  ["legal qa/v1/", "file:///models/adapters/", "file:///models/adapters/legal%20qa/v1"],
  ["/models/adapters/legal-qa-v1", "file:///models/adapters", "file:///models/adapters/legal-qa-v1"],
  ["/my models/a%b", "file:///my%20models", "file:///my%20models/a%25b"],
  ["file:///models/adapters/v1", "file:///models/adapters", "file:///models/adapters/v1"],
  ["legal/v1", "s3://bucket/models", "s3://bucket/models/legal/v1"],
  ["s3://bucket/models/v1", "s3://bucket/models", "s3://bucket/models/v1"],
])("the path %s below %s", (path, baseUri, uri) => {
  expect(metadataUri(path, baseUri)).toBe(uri);
  expect(registryUri({ id: "b", path }, baseUri)).toBe(uri);
});

test("without a base, paths are not followed", () => {
  expect(metadataUri("/models/adapters/legal-qa-v1", "")).toBeUndefined();
  expect(metadataUri("../../etc", "")).toBeUndefined();
});

test.each([
  "..",
  "../legal-qa-v1",
  "legal/../../v1",
  "legal/./v1",
  "legal//v1",
  "/etc/passwd",
  "/models/adapters",
  "/models/adapters-of-others/v1",
  "/models/adapters/../v1",
  "legal\\v1",
  "legal\u0001v1",
  "https://example.org/v1",
  "s3://bucket/v1",
])("the path %j leads elsewhere", (path) => {
  const refused = (field: string) =>
    expect.objectContaining({ reason: "DOCUMENT_INVALID", metadata: expect.objectContaining({ field }) });
  expect(() => metadataUri(path, "file:///models/adapters")).toThrow(refused("vllm.adapter_path"));
  expect(() => registryUri({ id: "b", path }, "file:///models/adapters")).toThrow(refused("[1].path"));
});

test("an entry without a path lies in the folder that its id stands for", () => {
  const entry = { id: "steuerrecht-lora-r16-v1", domain: ["steuerrecht"], method: "lora", rank: 16 };
  const base = "file:///models/adapters";
  expect(registryUri(entry, base)).toBe("file:///models/adapters/steuerrecht/lora-r16-v1");
  expect(registryUri({ ...entry, rank: 8 }, base)).toBeUndefined();
  expect(registryUri({ ...entry, id: "steuerrecht" }, base)).toBeUndefined();
  // As `folder-layout` writes them, with the percent sign of the folder's name encoded in a URI.
  expect(registryUri({ ...entry, domain: "tax/vat" }, base)).toBe("file:///models/adapters/tax%252Fvat/lora-r16-v1");
  expect(registryUri({ ...entry, domain: ".." }, base)).toBe("file:///models/adapters/%252E%252E/lora-r16-v1");
});

test("a slash at the end of the base makes no other entry", () => {
  const digest = (base: string) => readRegistry('{"id":"a"}', base)[0]?.digest;
  expect(digest("file:///models/")).toBe(digest("file:///models"));
});
