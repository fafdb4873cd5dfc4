import type { Dataset, DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { StoredDataset, StoredDatasetHead } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { ServiceError } from "../../kit/errors.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Revision, StoreReader, TenantId } from "../../store/store.ts";
import { datasetKey, datasetVersionKey } from "../keys.ts";
import { parseReference } from "./names.ts";

/** What datasets need of the export service to be read. */
export interface DatasetReader {
  readonly store: Pick<StoreReader, "get" | "scan">;
}

export interface ResolvedDataset {
  readonly name: string;
  readonly version: number;
  readonly spec: DatasetSpec;
  readonly digest: Uint8Array;
}

/** The dataset that `name` (newest version) or `name@3` names. Rejects with FIELD_INVALID or DATASET_NOT_FOUND. */
export async function resolveDataset(
  context: DatasetReader,
  tenant: TenantId,
  reference: string,
): Promise<ResolvedDataset> {
  const { name, version } = parseReference(reference);
  const dataset = await findDataset(context, tenant, name, version);
  return { name, version: dataset.version, spec: dataset.spec as DatasetSpec, digest: dataset.digest };
}

/** One version of a dataset, the newest by default. Rejects with DATASET_NOT_FOUND. */
export async function findDataset(
  context: DatasetReader,
  tenant: TenantId,
  name: string,
  version?: number,
  at?: Revision,
): Promise<Dataset> {
  const head = await readHead(context, tenant, name, at);
  const wanted = version ?? head.version;
  const entry = head.live ? await context.store.get(tenant, datasetVersionKey(name, wanted), at) : undefined;
  if (entry === undefined) {
    throw head.live ? versionNotFound(name, wanted) : datasetNotFound(name);
  }
  return toDataset(name, wanted, StoredDataset.decode(entry.value));
}

export function datasetNotFound(name: string): ServiceError {
  return new ServiceError("DATASET_NOT_FOUND", `Dataset "${name}" does not exist.`, { dataset: name });
}

function versionNotFound(name: string, version: number): ServiceError {
  const metadata = { dataset: name, version: String(version) };
  return new ServiceError("DATASET_NOT_FOUND", `Dataset "${name}" has no version ${version}.`, metadata);
}

export interface DatasetHead {
  /** Newest version ever given, also to a deleted dataset; 0 for none. */
  readonly version: number;
  readonly live: boolean;
  /** The commit that wrote it; 0 for none. */
  readonly revision: Revision;
}

export async function readHead(
  { store }: DatasetReader,
  tenant: TenantId,
  name: string,
  at?: Revision,
): Promise<DatasetHead> {
  const entry = await store.get(tenant, datasetKey(name), at);
  if (entry === undefined) {
    return { version: 0, live: false, revision: 0n };
  }
  const { version, deleted } = StoredDatasetHead.decode(entry.value);
  return { version, live: !deleted, revision: entry.revision };
}

export function toDataset(name: string, version: number, stored: StoredDataset): Dataset {
  const { spec, digest, createTimeMicros } = stored;
  return { name, version, spec, digest, createTime: toTimestamp(createTimeMicros) };
}
