import type { Change, Head, Micros, Pin, Revision } from "../store.ts";
import { SortedHistories } from "./keys.ts";

/** All that the store keeps for one tenant. */
export interface Tenant {
  readonly histories: SortedHistories;
  readonly pins: Map<string, Pin>;
  head: Head;
  /** The time of each commit, from revision 1. */
  readonly times: Micros[];
  floor: Revision;
  /** The changes of each commit after the floor, oldest first. */
  commits: Change[][];
}

export function newTenant(): Tenant {
  return {
    histories: new SortedHistories(),
    pins: new Map(),
    times: [],
    head: { revision: 0n, time: 0n },
    floor: 0n,
    commits: [],
  };
}

export function tenantBytes(tenant: Tenant): number {
  let bytes = 0;
  for (const { key, versions } of tenant.histories.all()) {
    bytes += key.length;
    for (const { value } of versions) bytes += value?.length ?? 0;
  }
  return bytes;
}
