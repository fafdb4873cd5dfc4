import { StoredDatasetHead } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { Mutation, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { datasetNotFound, readHead } from "../dataset/datasets.ts";
import { datasetKey, datasetVersionKey } from "../keys.ts";

/** Deletes a dataset with all versions; a dataset that was deleted before stays so. Rejects with DATASET_NOT_FOUND where there never was one. */
export function deleteDataset(context: ExportContext, tenant: TenantId, name: string): Promise<void> {
  return retryAborted(async () => {
    const head = await readHead(context, tenant, name);
    if (head.version === 0) throw datasetNotFound(name);
    if (!head.live) return;
    const gone = encoded(StoredDatasetHead, { version: head.version, deleted: true });
    const mutations: Mutation[] = [{ put: datasetKey(name), value: gone }];
    for await (const key of versionKeys(context, tenant, name)) {
      mutations.push({ delete: key });
    }
    await context.store.commit(tenant, mutations, [{ key: datasetKey(name), revision: head.revision }]);
  });
}

async function* versionKeys({ store }: ExportContext, tenant: TenantId, name: string): AsyncGenerator<Uint8Array> {
  const end = datasetVersionKey(name, 0xffff_ffff);
  let start: Uint8Array | undefined = datasetVersionKey(name, 0);
  while (start !== undefined) {
    const page: Awaited<ReturnType<typeof store.scan>> = await store.scan(tenant, { start, end });
    yield* page.entries.map(({ key }) => key);
    start = page.next;
  }
}
