import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { FindVersionsRequest } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { TenantId } from "../../store/store.ts";
import { parseVersionName } from "../adapters/names.ts";
import { type VersionIndex, versionsAt } from "../adapters/versions-at.ts";
import { findBaseModel } from "../base-models/stored-base-models.ts";
import type { RegistryContext } from "../context.ts";
import type { DataOrigin } from "../training/data-origin.ts";
import { findByData } from "../training/find-by-data.ts";
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

/** Versions that came from something, or inherited data of it, deleted ones too. Rejects with FIELD_INVALID, BASE_MODEL_NOT_FOUND; for a record or a subject as ExportClient does. */
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
  return origin.$case !== "parent" && origin.$case !== "baseModel";
}

async function indexOf(
  { store }: RegistryContext,
  tenant: TenantId,
  origin: Exclude<Origin, DataOrigin>,
): Promise<VersionIndex> {
  switch (origin.$case) {
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
