import { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { encoded } from "../../kit/encoded.ts";
import { PageTime } from "../../kit/filter/page-time.ts";
import { limits } from "../../kit/limits.ts";
import type { ListPosition } from "../../kit/list-position.ts";
import { MessageRoom } from "../../kit/message-room.ts";
import { Slices } from "../../kit/slices.ts";
import type { Key, TenantId } from "../../store/store.ts";
import { adapterDeleted, adapterNotFound } from "../adapters/adapter-errors.ts";
import { listedVersion, shownVersion } from "../adapters/shown-version.ts";
import { findAdapter, isDeleted, type Reader } from "../adapters/stored-adapters.ts";
import { VersionPages } from "../adapters/version-pages.ts";
import { prefixRange } from "../keys.ts";
import { readPolicy } from "../signatures/policy.ts";

export interface ListVersions extends ListPosition {
  /** Empty for all. */
  readonly adapter: string;
  /** Absent for all. */
  readonly matches: ((version: AdapterVersion) => boolean) | undefined;
  readonly includeDeleted: boolean;
  readonly limit: number;
}

export interface VersionPage {
  /** By adapter and number; fewer than asked for where some are deleted, do not match, or are large. */
  readonly versions: AdapterVersion[];
  readonly next: Key | undefined;
}

/** Looks at no more than `page_size` versions, with a filter for no longer than `filter_page_milliseconds`. Rejects with ADAPTER_NOT_FOUND. */
export async function listVersions(
  { store }: { readonly store: Reader },
  tenant: TenantId,
  list: ListVersions,
): Promise<VersionPage> {
  const { adapter, matches, includeDeleted, limit, at, start } = list;
  if (adapter !== "") await checkAdapter(store, tenant, list);
  const all = rangeOf(adapter);
  const policy = await readPolicy({ store }, tenant, at);
  const looks = matches === undefined ? limit : limits.page_size;
  const page = await VersionPages.read(
    store,
    tenant,
    { start: start ?? all.start, end: all.end },
    { at, limit: looks },
  );
  const versions: AdapterVersion[] = [];
  const [room, slices, time] = [new MessageRoom(), new Slices(), new PageTime(matches !== undefined)];
  for await (const { key, kept, bytes } of page.versions()) {
    await slices.done(bytes);
    if (time.isOver()) return { versions, next: key };
    if (!includeDeleted && kept.state.deleteTimeMicros !== 0n) continue;
    const version = listedVersion(shownVersion(kept, policy));
    if (matches !== undefined && !matches(version)) continue;
    const isFull = versions.length === limit || !room.take(encoded(AdapterVersion, version).length);
    if (isFull) return { versions, next: key };
    versions.push(version);
  }
  return { versions, next: page.next };
}

function rangeOf(adapter: string): ReturnType<typeof prefixRange> {
  return adapter === "" ? prefixRange("version/") : prefixRange("version/", adapter, "\0");
}

async function checkAdapter(store: Reader, tenant: TenantId, { adapter: name, includeDeleted, at }: ListVersions) {
  const adapter = await findAdapter(store, tenant, name, at);
  if (adapter === undefined) throw adapterNotFound(name);
  if (isDeleted(adapter) && !includeDeleted) throw adapterDeleted(name);
}
