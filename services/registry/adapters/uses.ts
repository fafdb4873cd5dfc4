import { entries } from "../../store/entries.ts";
import type { KeyRange, TenantId } from "../../store/store.ts";
import { childrenOf, prefixRange, type VersionName, versionNameAt } from "../keys.ts";
import type { Use } from "./adapter-errors.ts";
import { aliasesOf } from "./aliases.ts";
import { versionText } from "./names.ts";
import type { Reader } from "./stored-adapters.ts";
import { findOwnVersion } from "./stored-versions.ts";

/** What still needs a version: an alias, or a version that has it as its parent and was not deleted by itself: of a deleted adapter it comes back with that. */
export async function useOfVersion(store: Reader, tenant: TenantId, name: VersionName): Promise<Use | undefined> {
  const alias = await aliasAt(store, tenant, name.adapter, (version) => version === name.version);
  if (alias !== undefined) return { alias };
  const range = childrenOf(name);
  return childIn(store, tenant, { range, offset: range.start.length, counts: () => true });
}

/** What still needs an adapter: an alias, or a version of another adapter that has one of its versions as its parent and was not deleted by itself. */
export async function useOfAdapter(store: Reader, tenant: TenantId, adapter: string): Promise<Use | undefined> {
  const alias = await aliasAt(store, tenant, adapter, (version) => version !== 0);
  if (alias !== undefined) return { alias };
  const range = prefixRange("version-of-parent/", adapter, "\0");
  const offset = range.start.length + numberBytes;
  return childIn(store, tenant, { range, offset, counts: (child) => child.adapter !== adapter });
}

const numberBytes = 4;

async function aliasAt(
  store: Reader,
  tenant: TenantId,
  adapter: string,
  pointsAt: (version: number) => boolean,
): Promise<string | undefined> {
  const aliases = await aliasesOf(store, tenant, adapter);
  return aliases.find(({ stored }) => pointsAt(stored.version))?.alias;
}

interface Children {
  readonly range: KeyRange;
  /** Where in a key the child begins. */
  readonly offset: number;
  readonly counts: (child: VersionName) => boolean;
}

async function childIn(store: Reader, tenant: TenantId, { range, offset, counts }: Children): Promise<Use | undefined> {
  for await (const { key } of entries(store, tenant, range)) {
    const child = versionNameAt(key, offset);
    if (!counts(child)) continue;
    const version = await findOwnVersion(store, tenant, child);
    if (version?.state.deleteTimeMicros === 0n) return { child: versionText(child) };
  }
  return undefined;
}
