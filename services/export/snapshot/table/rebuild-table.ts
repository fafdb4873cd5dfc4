import { readFile } from "node:fs/promises";
import type { StoreReader } from "../../../store/store.ts";
import { blockPath } from "../blocks/block-paths.ts";
import { pagesOf } from "../blocks/page.ts";
import { storedBlocks } from "../blocks/stored-blocks.ts";
import { tablePath } from "./table-file.ts";
import type { TableJob } from "./table-thread.ts";
import { TableWriter } from "./table-writer.ts";

/** Makes the sample table of a sealed snapshot from the store and the blocks: after a build that was broken off, or where it was lost. */
export async function rebuildTable(
  reader: StoreReader,
  { tenant, snapshot, dataDirectory }: Omit<TableJob, "store">,
): Promise<void> {
  const writer = new TableWriter(tablePath(dataDirectory, tenant, snapshot));
  try {
    for await (const block of storedBlocks.all(reader, tenant, snapshot)) {
      const bytes = await readFile(blockPath(dataDirectory, tenant, block.digest));
      for (const page of pagesOf(block)) {
        writer.addPage(page, bytes.subarray(page.offset, page.offset + page.lineBytes));
      }
      writer.endBlock(block.digest);
    }
    writer.finish();
  } catch (error) {
    writer.abandon();
    throw error;
  }
}
