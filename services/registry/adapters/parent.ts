import type { DeletedData } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { Changes } from "../../store/commit-changes.ts";
import type { TenantId } from "../../store/store.ts";
import { adapterKey, type VersionName, versionStateKey } from "../keys.ts";
import { versionDeleted, versionNotFound } from "./adapter-errors.ts";
import { writtenChild } from "./adapter-use.ts";
import { deletedIn } from "./deleted-in.ts";
import { getAdapter, type Reader } from "./stored-adapters.ts";
import { findOwnVersion } from "./stored-versions.ts";

export interface UsedParent extends Changes {
  /** What the child inherits as of the commit. */
  readonly inheritedDeletedData: DeletedData | undefined;
}

/** What makes a version the child of another, which is not deleted from the commit on. Rejects with ADAPTER_NOT_FOUND, VERSION_NOT_FOUND. */
export async function useParent(store: Reader, tenant: TenantId, parent: VersionName): Promise<UsedParent> {
  const adapter = await getAdapter(store, tenant, parent.adapter);
  const version = await findOwnVersion(store, tenant, parent);
  if (version === undefined) throw versionNotFound(parent);
  if (version.state.deleteTimeMicros !== 0n) throw versionDeleted(parent);
  return {
    mutations: [writtenChild(parent.adapter)],
    expectations: [
      { key: adapterKey(parent.adapter), revision: adapter.revision },
      { key: versionStateKey(parent), revision: version.revision },
    ],
    inheritedDeletedData: deletedIn(version.state),
  };
}
