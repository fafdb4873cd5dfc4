import type { SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { openIngests } from "../corpus/ingests.ts";
import { resolveSource } from "../dataset/source.ts";
import type { SnapshotEntry } from "./stored-snapshots.ts";

/** The snapshot that a source names; else that of its dataset or spec, which lives as those of streams do when it is new. */
export async function findOrRequestSnapshot(
  context: ExportContext,
  tenant: TenantId,
  source: SampleSource,
): Promise<SnapshotEntry> {
  if (source.source?.$case !== "snapshot") {
    return requestSnapshot(context, tenant, source, limits.stream_snapshot_ttl_seconds);
  }
  if (source.split !== "")
    throw fieldInvalid("source.split", source.split, "nothing: a snapshot is of one split already");
  return context.snapshots.find(tenant, source.source.value);
}

/** The snapshot of a dataset or an inline spec at a revision: equal questions on unchanged records give the same one. */
export async function requestSnapshot(
  context: ExportContext,
  tenant: TenantId,
  source: SampleSource,
  ttlSeconds: number,
): Promise<SnapshotEntry> {
  const readRevision = source.revision ?? (await context.store.head(tenant)).revision;
  const resolved = await resolveSource(context, tenant, { ...source, revision: readRevision });
  if (!source.allowOpenIngest) await checkNoOpenIngest(context, tenant, resolved.collection, resolved.spec.collection);
  return context.snapshots.ensure(tenant, {
    dataset: resolved.name,
    datasetVersion: resolved.version,
    spec: resolved.spec,
    specDigest: resolved.digest,
    collection: resolved.collection,
    revision: resolved.revision,
    readRevision,
    asOf: resolved.asOf,
    ttlSeconds,
  });
}

async function checkNoOpenIngest(
  context: ExportContext,
  tenant: TenantId,
  collection: number,
  name: string,
): Promise<void> {
  const [ingest] = await openIngests(context, tenant, collection);
  if (ingest === undefined) return;
  throw new ServiceError(
    "INGEST_OPEN",
    `Collection "${name}" has the open ingest "${ingest}"; wait for its end (an interrupted one ends ten minutes after its last message), or allow open ingests (allow_open_ingest, --allow-open-ingest).`,
    { collection: name, ingest },
  );
}
