import type { Dataset, DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { StoredDataset, StoredDatasetHead } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import { ServiceError } from "../../kit/errors.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { type DatasetHead, findDataset, readHead, toDataset } from "../dataset/datasets.ts";
import { checkSpec, specDigest } from "../dataset/spec.ts";
import { datasetKey, datasetVersionKey } from "../keys.ts";

export interface PutDataset {
  readonly name: string;
  readonly spec: DatasetSpec;
  /** What the newest version must be, 0 for none; not checked where absent. */
  readonly expectedVersion: number | undefined;
}

/** Stores a new version unless the newest one is equal. Rejects with what `checkSpec` does, or VERSION_CONFLICT. */
export async function putDataset(context: ExportContext, tenant: TenantId, put: PutDataset): Promise<Dataset> {
  const spec = await checkSpec(put.spec, context.exporters, context.schemas);
  const digest = specDigest(spec);
  return retryAborted(async () => {
    const head = await readHead(context, tenant, put.name);
    const newest = head.live ? await findDataset(context, tenant, put.name, head.version) : undefined;
    if (newest !== undefined && Buffer.compare(newest.digest, digest) === 0 && isOrWasExpected(put, head)) {
      return newest;
    }
    checkExpected(put, head);
    const stored = { spec, digest, createTimeMicros: context.clock.now() };
    return store(context, tenant, put.name, head, stored);
  });
}

/** A put that is repeated because its answer was lost still expects the version before its own. */
function isOrWasExpected({ expectedVersion }: PutDataset, { version }: DatasetHead): boolean {
  return expectedVersion === undefined || expectedVersion === version || expectedVersion === version - 1;
}

function checkExpected({ name, expectedVersion }: PutDataset, head: DatasetHead): void {
  const newest = head.live ? head.version : 0;
  if (expectedVersion !== undefined && expectedVersion !== newest) {
    const message = `The newest version of dataset "${name}" is ${newest}, not ${expectedVersion}.`;
    throw new ServiceError("VERSION_CONFLICT", message, {
      dataset: name,
      actual_version: String(newest),
      expected_version: String(expectedVersion),
    });
  }
}

async function store(
  context: ExportContext,
  tenant: TenantId,
  name: string,
  head: DatasetHead,
  stored: StoredDataset,
): Promise<Dataset> {
  const version = head.version + 1;
  await context.store.commit(
    tenant,
    [
      { put: datasetKey(name), value: encoded(StoredDatasetHead, { version, deleted: false }) },
      { put: datasetVersionKey(name, version), value: encoded(StoredDataset, stored) },
    ],
    [{ key: datasetKey(name), revision: head.revision }],
  );
  return toDataset(name, version, stored);
}
