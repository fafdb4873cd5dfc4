import type { Change, Head, Pin, Revision } from "../store.ts";
import { SortedHistories } from "./keys.ts";

/** All that the store keeps for one tenant. */
export interface Tenant {
  readonly histories: SortedHistories;
  readonly pins: Map<string, Pin>;
  head: Head;
  floor: Revision;
  /** The changes of each commit after the floor, oldest first. */
  commits: Change[][];
}

export function newTenant(): Tenant {
  return {
    histories: new SortedHistories(),
    pins: new Map(),
    head: { revision: 0n, time: 0n },
    floor: 0n,
    commits: [],
  };
}
