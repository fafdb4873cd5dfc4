import { Dataset } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { StoredDatasetHead } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import type { ListPosition } from "../../kit/list-position.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { prefixRange } from "../../store/range.ts";
import type { Entry, Key, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { findDataset } from "../dataset/datasets.ts";
import { datasetKey } from "../keys.ts";

export interface ListDatasets extends ListPosition {
  readonly limit: number;
}

export interface DatasetPage {
  /** The newest version of each, by name; fewer than asked for where some are deleted, or large. */
  readonly datasets: Dataset[];
  readonly next: Key | undefined;
}

export async function listDatasets(
  context: ExportContext,
  tenant: TenantId,
  { limit, at, start }: ListDatasets,
): Promise<DatasetPage> {
  const all = prefixRange(datasetKey(""));
  const { entries, next } = await context.store.scan(tenant, { ...all, start: start ?? all.start }, { at, limit });
  const datasets: Dataset[] = [];
  const room = new MessageRoom();
  for (const entry of entries) {
    const { version, deleted } = StoredDatasetHead.decode(entry.value);
    if (deleted) continue;
    const dataset = await findDataset(context, tenant, nameIn(entry), version, at);
    if (!room.take(encoded(Dataset, dataset).length)) return { datasets, next: entry.key };
    datasets.push(dataset);
  }
  return { datasets, next };
}

function nameIn({ key }: Entry): string {
  return Buffer.from(key).toString("utf8", datasetKey("").length);
}
