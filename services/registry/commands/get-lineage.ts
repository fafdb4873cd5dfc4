import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { GetLineageResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { TenantId } from "../../store/store.ts";
import { parseVersionName, type VersionReference } from "../adapters/names.ts";
import { listedVersion, showVersion } from "../adapters/shown-version.ts";
import { findVersion, getVersion } from "../adapters/stored-versions.ts";
import { versionsAt } from "../adapters/versions-at.ts";
import type { RegistryContext } from "../context.ts";
import { dataLineage } from "../training/data-lineage.ts";
import type { Owner } from "../training/holds.ts";
import { versionsOf } from "../training/versions-of.ts";

const MOST_PARENTS = 64;
const MOST_CHILDREN = 1000;

/** What a version came from and what came from it. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND. @param records records of each snapshot to tell, at most */
export async function getLineage(
  context: RegistryContext,
  owner: Owner,
  reference: VersionReference,
  records: number,
): Promise<GetLineageResponse> {
  const { store } = context;
  const { tenant } = owner;
  const kept = await getVersion(store, tenant, reference);
  const version = await showVersion(store, tenant, kept);
  const [data, parents, children] = await Promise.all([
    dataLineage(context, owner, version.provenance, records),
    parentsOf(context, tenant, version),
    versionsAt(store, tenant, versionsOf.parent(kept.name), { limit: MOST_CHILDREN, start: undefined }),
  ]);
  return { version, ...data, parents, children: children.versions };
}

/** The parent first, then its parent, and so on. */
async function parentsOf(
  { store }: RegistryContext,
  tenant: TenantId,
  version: AdapterVersion,
): Promise<AdapterVersion[]> {
  const parents: AdapterVersion[] = [];
  let name = version.provenance?.parent ?? "";
  while (name !== "" && parents.length < MOST_PARENTS) {
    const kept = await findVersion(store, tenant, parseVersionName(name));
    if (kept === undefined) break;
    const parent = listedVersion(await showVersion(store, tenant, kept));
    parents.push(parent);
    name = parent.provenance?.parent ?? "";
  }
  return parents;
}
