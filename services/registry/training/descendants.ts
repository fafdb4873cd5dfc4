import { afterKey } from "../../store/range.ts";
import type { TenantId } from "../../store/store.ts";
import { parseVersionName, versionText } from "../adapters/names.ts";
import type { Reader } from "../adapters/stored-adapters.ts";
import { findOwnVersion } from "../adapters/stored-versions.ts";
import { childrenOf, type VersionName, versionNameAt, versionOfParentKey } from "../keys.ts";

/** A descendant that a walk came to. */
export interface Visited {
  readonly name: VersionName;
  /** Whether the walk goes on with its own descendants. */
  readonly enters: boolean;
}

/**
 * The descendant of `root` that comes after another one, depth first, children by adapter and number; the first one after `root` itself. Undefined after the last. However many there
 * are and however deep, one is in memory.
 */
export async function nextDescendant(
  store: Reader,
  tenant: TenantId,
  root: VersionName,
  { name, enters }: Visited,
): Promise<VersionName | undefined> {
  let next = enters ? await childOf(store, tenant, name) : undefined;
  let at = name;
  while (next === undefined && versionText(at) !== versionText(root)) {
    const parent = await parentOf(store, tenant, at);
    if (parent === undefined) return undefined;
    next = await childOf(store, tenant, parent, at);
    at = parent;
  }
  return next;
}

/** The first child, or the one after another. */
async function childOf(
  store: Reader,
  tenant: TenantId,
  parent: VersionName,
  before?: VersionName,
): Promise<VersionName | undefined> {
  const { start, end } = childrenOf(parent);
  const from = before === undefined ? start : afterKey(versionOfParentKey(parent, before));
  const { entries } = await store.scan(tenant, { start: from, end }, { limit: 1 });
  return entries[0] && versionNameAt(entries[0].key, start.length);
}

async function parentOf(store: Reader, tenant: TenantId, name: VersionName): Promise<VersionName | undefined> {
  const version = await findOwnVersion(store, tenant, name);
  const parent = version?.stored.version?.provenance?.parent ?? "";
  return parent === "" ? undefined : parseVersionName(parent);
}
