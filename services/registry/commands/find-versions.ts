import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { FindVersionsRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { checkRunId } from "../../kit/run-id.ts";
import { sha256Form } from "../../kit/sha256-form.ts";
import type { TenantId } from "../../store/store.ts";
import { parseVersionName } from "../adapters/names.ts";
import { type VersionIndex, versionsAt } from "../adapters/versions-at.ts";
import { findBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import { type DataOrigin, findByData } from "../training/find-by-data.ts";
import type { Owner } from "../training/holds.ts";
import { versionsOf } from "../training/versions-of.ts";

/** What versions came from. */
export type Origin = NonNullable<FindVersionsRequest["origin"]>;

export interface FindVersions {
  readonly origin: Origin;
  readonly limit: number;
  /** `next` of the page before. */
  readonly position: Uint8Array | undefined;
}

export interface FoundVersions {
  readonly versions: AdapterVersion[];
  /** Where the next page begins. */
  readonly next: Uint8Array | undefined;
}

/** Versions that came from something, deleted ones too. Rejects with FIELD_INVALID, BASE_MODEL_NOT_FOUND; for a record or a subject as ExportClient does. */
export async function findVersions(
  context: RegistryContext,
  owner: Owner,
  { origin, limit, position }: FindVersions,
): Promise<FoundVersions> {
  if (isData(origin)) return findByData(context, owner, { origin, limit, position });
  const index = await indexOf(context, owner.tenant, origin);
  return versionsAt(context.store, owner.tenant, index, { limit, start: position });
}

function isData(origin: Origin): origin is DataOrigin {
  return origin.$case === "record" || origin.$case === "subject";
}

async function indexOf(
  { store }: RegistryContext,
  tenant: TenantId,
  origin: Exclude<Origin, DataOrigin>,
): Promise<VersionIndex> {
  switch (origin.$case) {
    case "run":
      return versionsOf.run(checkedRun(origin.value));
    case "snapshot":
      return versionsOf.snapshot(checkedKey(origin.value));
    case "parent":
      return versionsOf.parent(parseVersionName(origin.value, "parent"));
    case "baseModel": {
      const { baseModel } = await findBaseModel(store, tenant, origin.value);
      return versionsOf.baseModel(baseModel.name, baseModel.revision);
    }
    default:
      return origin satisfies never;
  }
}

/** Versions were registered of no run with another id. */
function checkedRun(run: string): string {
  checkRunId(run);
  return run;
}

function checkedKey(snapshot: string): string {
  if (!sha256Form.test(snapshot)) throw fieldInvalid("snapshot", snapshot, "64 lowercase hex digits");
  return snapshot;
}
