import { expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { startTestServer } from "../../../test/support/server.ts";

/** A spec of 240 kB, near `dataset_bytes`; all differ. */
function largeSpec(number: number) {
  return {
    collection: "faq",
    format: "text",
    adapterMetadataJson: JSON.stringify({ number, text: "x".repeat(240_000) }),
  };
}

async function readPages(read: (pageToken: string) => Promise<{ names: string[]; nextPageToken: string }>) {
  const pages: string[][] = [];
  let pageToken = "";
  do {
    const page = await read(pageToken);
    pages.push(page.names);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return pages;
}

test("pages of datasets and of snapshots fit what a client takes unless told otherwise", async () => {
  await using server = await startTestServer();
  const client = server.client(ExportServiceDefinition);
  await server.client(CorpusServiceDefinition).upsertRecords({ collection: "faq", records: [{ fieldsJson: "{}" }] });
  const names: string[] = [];
  for (let number = 10; number < 30; number += 1) {
    const name = `large-${number}`;
    await client.putDataset({ name, spec: largeSpec(number) });
    await client.buildSnapshot({ source: { source: { $case: "dataset", value: name } } });
    names.push(name);
  }
  const datasets = await readPages(async (pageToken) => {
    const page = await client.listDatasets({ pageToken });
    return { names: page.datasets.map(({ name }) => name), nextPageToken: page.nextPageToken };
  });
  const snapshots = await readPages(async (pageToken) => {
    const page = await client.listSnapshots({ pageToken });
    return { names: page.snapshots.map(({ dataset }) => dataset), nextPageToken: page.nextPageToken };
  });
  expect([datasets.length, snapshots.length]).toEqual([2, 2]);
  expect(datasets.flat()).toEqual(names);
  expect(snapshots.flat()).toEqual(names.toReversed());
});
