import { readFile } from "node:fs/promises";
import type { Store, TenantId } from "../../../store/store.ts";
import type { BlockFiles } from "../blocks/block-files.ts";
import { pagesOf } from "../blocks/page.ts";
import { storedBlocks } from "../blocks/stored-blocks.ts";
import { TableWriter } from "./table-writer.ts";

/** Makes the sample table of a sealed snapshot from the store and the blocks: after a build that was broken off, or where it was lost. */
export async function rebuildTable(
  { store, files }: { readonly store: Store; readonly files: BlockFiles },
  tenant: TenantId,
  snapshot: Uint8Array,
  path: string,
): Promise<void> {
  const writer = new TableWriter(path);
  try {
    for await (const block of storedBlocks.all(store, tenant, snapshot)) {
      const bytes = await readFile(files.path(tenant, block.digest));
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
