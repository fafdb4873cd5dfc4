import { expect, test } from "vitest";
import { AdapterVersion, AdapterVersion_State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RenderVersionsRequest_Format as Format } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { Documents } from "./documents.ts";
import { readDocument } from "./read-document.ts";
import { renderVersions } from "./render-versions.ts";

const format = Format.FORMAT_ADAPTER_REGISTRY;

/** Entries of about a kilobyte, with numbers of every form. */
function listOf(entries: number) {
  const list = Array.from({ length: entries }, (_, index) => ({ id: `a${index}`, notes: 'ä\\"'.repeat(200) }));
  return {
    format,
    content: JSON.stringify(list).replaceAll(`"notes"`, `"score":1.50e1,"notes"`),
    baseUri: "",
    adapter: "",
  };
}

test.each([1, 10, 100, 1000])("documents of %d entries are read and written as here", async (entries) => {
  await using documents = new Documents();
  const document = listOf(entries);
  const read = await documents.read(document);
  expect(read).toEqual(readDocument(document));
  const versions = read.map(({ version }) => ({ ...version, state: AdapterVersion_State.STATE_DECLARED }));
  const request = { versions, format, pathTemplate: "" };
  const bytes = versions.reduce((sum, version) => sum + AdapterVersion.encode(version).finish().length, 0);
  expect(await documents.render(request, bytes)).toEqual(renderVersions(request));
});

test("large documents are refused as small ones, and the next one is read", async () => {
  await using documents = new Documents();
  const good = listOf(500);
  const bad = { ...good, content: good.content.replace('"a499"', '"A"') };
  const [first, second] = await Promise.allSettled([documents.read(bad), documents.read(good)]);
  expect(first).toMatchObject({ reason: { reason: "DOCUMENT_INVALID", metadata: { field: "[499].id" } } });
  expect(second).toMatchObject({ value: { length: 500 } });
});

test("large documents leave this thread free", async () => {
  await using documents = new Documents();
  const document = { ...listOf(1), content: `[{"id":"a","many":[${"{},".repeat(200_000)}1]}]` };
  await documents.read(document);
  const started = process.threadCpuUsage();
  await documents.read(document);
  const { user, system } = process.threadCpuUsage(started);
  expect((user + system) / 1000).toBeLessThan(20);
});
