import type { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import type { SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { fromTimestamp } from "../../kit/timestamp.ts";
import type { Micros, Revision, TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { collectionRevision, findCollection } from "../corpus/collections.ts";
import { type ResolvedDataset, resolveDataset } from "./datasets.ts";
import { checkSpec, specDigest } from "./spec.ts";

/** Everything that rendering depends on. */
export interface ResolvedSource extends ResolvedDataset {
  /** Internal number of the collection. */
  readonly collection: number;
  /** The last commit, up to the revision asked for, that changed the collection. */
  readonly revision: Revision;
  /** What to read the records at: the revision asked for, else the head. The collection is the same as at `revision`, which may be compacted. */
  readonly readRevision: Revision;
  readonly asOf: Micros;
}

/**
 * What a source that is a dataset or an inline spec (name empty, version 0, checked) reads.
 * Rejects with ServiceError for a snapshot, nothing or an unknown split (FIELD_INVALID), what does not exist, a bad spec, or a revision above the head (REVISION_UNKNOWN).
 */
export async function resolveSource(
  context: ExportContext,
  tenant: TenantId,
  source: SampleSource | undefined,
): Promise<ResolvedSource> {
  const dataset = await datasetOf(context, tenant, source);
  const collection = await findCollection(context, tenant, dataset.spec.collection);
  const readRevision = await readRevisionOf(context, tenant, source?.revision);
  const revision = await collectionRevision(context, tenant, collection, readRevision);
  const asOf = source?.asOf && fromTimestamp(source.asOf, "source.as_of");
  return {
    ...dataset,
    collection,
    revision,
    readRevision,
    asOf: asOf ?? (await context.store.timeOf(tenant, revision)),
  };
}

async function datasetOf(
  context: ExportContext,
  tenant: TenantId,
  source: SampleSource | undefined,
): Promise<ResolvedDataset> {
  const whole = await wholeDatasetOf(context, tenant, source);
  if (source === undefined || source.split === "") {
    return whole;
  }
  const spec = withSplit(whole.spec, source.split);
  return { ...whole, spec, digest: specDigest(spec) };
}

/** The recipe of one part: every part has snapshots of its own. */
function withSplit(spec: DatasetSpec, split: string): DatasetSpec {
  const names = spec.splits?.parts.map(({ name }) => name) ?? [];
  if (spec.splits === undefined || !names.includes(split)) {
    const expected = names.length === 0 ? "nothing: the dataset has no splits" : `one of ${names.join(", ")}`;
    throw fieldInvalid("source.split", split, expected);
  }
  return { ...spec, splits: { ...spec.splits, selected: split } };
}

async function wholeDatasetOf(
  context: ExportContext,
  tenant: TenantId,
  source: SampleSource | undefined,
): Promise<ResolvedDataset> {
  const which = source?.source;
  if (which?.$case === "dataset") {
    return resolveDataset(context, tenant, which.value);
  }
  if (which?.$case === "spec") {
    const spec = await checkSpec(which.value, context.exporters, context.schemas);
    return { name: "", version: 0, spec, digest: specDigest(spec) };
  }
  throw fieldInvalid("source", which?.$case ?? "", "a dataset or a spec");
}

async function readRevisionOf(
  { store }: ExportContext,
  tenant: TenantId,
  revision: Revision | undefined,
): Promise<Revision> {
  const head = await store.head(tenant);
  if (revision !== undefined && revision > head.revision) {
    const message = `Revision ${revision} does not exist yet; the newest is ${head.revision}.`;
    const metadata = { revision: String(revision), head_revision: String(head.revision) };
    throw new ServiceError("REVISION_UNKNOWN", message, metadata);
  }
  return revision ?? head.revision;
}
