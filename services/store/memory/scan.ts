import { checkReadable } from "../checks.ts";
import { MAX_PAGE_BYTES } from "../limits.ts";
import { afterKey } from "../range.ts";
import type { Entry, Key, KeyRange, Page, Revision, ScanOptions } from "../store.ts";
import { liveVersion } from "./keys.ts";
import type { Tenant } from "./tenant.ts";

export function get(tenant: Tenant, key: Key, at: Revision | undefined): Entry | undefined {
  const version = liveVersion(tenant.histories.get(key), readRevision(tenant, at));
  return version && { key: new Uint8Array(key), value: new Uint8Array(version.value), revision: version.revision };
}

export function scan(tenant: Tenant, range: KeyRange, limit: number, options: ScanOptions): Page {
  const at = readRevision(tenant, options.at);
  const reverse = options.reverse ?? false;
  const entries: Entry[] = [];
  let bytes = 0;
  for (const history of reverse ? tenant.histories.descending(range) : tenant.histories.ascending(range)) {
    const version = liveVersion(history, at);
    if (!version) continue;
    bytes += history.key.length + version.value.length;
    const last = entries.at(-1);
    if (last && (entries.length === limit || bytes > MAX_PAGE_BYTES)) {
      return { entries, next: reverse ? last.key : afterKey(last.key) };
    }
    entries.push({
      key: new Uint8Array(history.key),
      value: new Uint8Array(version.value),
      revision: version.revision,
    });
  }
  return { entries };
}

function readRevision(tenant: Tenant, at: Revision = tenant.head.revision): Revision {
  checkReadable(at, tenant.floor, tenant.head.revision);
  return at;
}
