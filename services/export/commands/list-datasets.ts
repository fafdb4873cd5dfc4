import type { Dataset } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { StoredDatasetHead } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import type { Entry, Key, Revision, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { findDataset } from "../dataset/datasets.ts";
import { datasetKey, rangeOf } from "../keys.ts";

export interface ListDatasets {
  readonly limit: number;
  readonly at: Revision;
  /** `next` of the page before. */
  readonly start: Key | undefined;
}

export interface DatasetPage {
  /** The newest version of each, by name; fewer than asked for where some are deleted. */
  readonly datasets: Dataset[];
  readonly next: Key | undefined;
}

export async function listDatasets(
  context: ExportContext,
  tenant: TenantId,
  { limit, at, start }: ListDatasets,
): Promise<DatasetPage> {
  const all = rangeOf(datasetKey(""));
  const { entries, next } = await context.store.scan(tenant, { ...all, start: start ?? all.start }, { at, limit });
  const live = entries.filter(({ value }) => !StoredDatasetHead.decode(value).deleted);
  const datasets = await Promise.all(live.map((entry) => findDataset(context, tenant, nameIn(entry), undefined, at)));
  return { datasets, next };
}

function nameIn({ key }: Entry): string {
  return Buffer.from(key).toString("utf8", datasetKey("").length);
}
