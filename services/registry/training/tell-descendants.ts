import { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { entries } from "../../store/entries.ts";
import { retryAborted } from "../../store/retry-aborted.ts";
import { type Entry, type Mutation, type Store, StoreError, type TenantId } from "../../store/store.ts";
import { deletedIn } from "../adapters/deleted-in.ts";
import { findOwnVersion } from "../adapters/stored-versions.ts";
import { childrenOf, prefixRange, untoldKey, type VersionName, versionNameAt, versionStateKey } from "../keys.ts";

/** Belongs to every commit that changes what a version says was deleted: its children are to be told. */
export function untold(name: VersionName): Mutation {
  return { put: untoldKey(name), value: new Uint8Array() };
}

/**
 * Tells versions what was deleted of what their ancestors were trained on, from parent to child, until all know. What is left to tell is kept, so that the next call goes on where a
 * process ended; several processes may do it at once.
 */
export async function tellDescendants(store: Store, tenant: TenantId, stop: AbortSignal): Promise<void> {
  const { start, end } = prefixRange("untold/");
  let hasMore = true;
  while (hasMore) {
    hasMore = false;
    for await (const entry of entries(store, tenant, { start, end })) {
      if (stop.aborted) return;
      await tellChildren(store, tenant, entry, stop);
      hasMore = true;
    }
  }
}

const nameStart = "untold/".length;

async function tellChildren(
  store: Store,
  tenant: TenantId,
  { key, revision }: Entry,
  stop: AbortSignal,
): Promise<void> {
  const children = childrenOf(versionNameAt(key, nameStart));
  for await (const child of entries(store, tenant, children)) {
    if (stop.aborted) return;
    await tellInherited(store, tenant, versionNameAt(key, nameStart), versionNameAt(child.key, children.start.length));
  }
  try {
    await store.commit(tenant, [{ delete: key }], [{ key, revision }]);
  } catch (error) {
    // More was deleted meanwhile, or another process told it.
    if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
  }
}

/** Gives a child what its parent knows, where that is more than it says. */
function tellInherited(store: Store, tenant: TenantId, parentName: VersionName, name: VersionName): Promise<void> {
  return retryAborted(async () => {
    const parent = await findOwnVersion(store, tenant, parentName);
    const version = await findOwnVersion(store, tenant, name);
    if (parent === undefined || version === undefined) return;
    const inheritedDeletedData = deletedIn(parent.state);
    const said = version.state.inheritedDeletedData?.recordCount ?? 0n;
    if ((inheritedDeletedData?.recordCount ?? 0n) <= said) return;
    const key = versionStateKey(name);
    const value = encoded(StoredVersionState, { ...version.state, inheritedDeletedData });
    await store.commit(tenant, [{ put: key, value }, untold(name)], [{ key, revision: version.revision }]);
  });
}
