import { checkReadable } from "../checks.ts";
import type { Micros, Pin, Revision } from "../store.ts";
import type { History } from "./keys.ts";
import type { Tenant } from "./tenant.ts";

export function pin(tenant: Tenant, now: Micros, id: string, revision: Revision, ttlSeconds: number): Pin {
  checkReadable(revision, tenant.floor, tenant.head.revision);
  const made = { id, revision, expires: now + BigInt(Math.round(ttlSeconds * 1e6)) };
  tenant.pins.set(id, made);
  return made;
}

export function livePins(tenant: Tenant, now: Micros): Pin[] {
  return [...tenant.pins.values()].filter(({ expires }) => expires > now);
}

/** Raises the floor as far as live pins allow, and frees what no readable revision sees. */
export function compact(tenant: Tenant, now: Micros, before: Revision): Revision {
  checkReadable(before, 0n, tenant.head.revision);
  const pins = livePins(tenant, now);
  tenant.pins.clear();
  for (const live of pins) tenant.pins.set(live.id, live);
  let floor = before;
  for (const { revision } of pins) if (revision < floor) floor = revision;
  if (floor > tenant.floor) raiseFloor(tenant, floor);
  return tenant.floor;
}

function raiseFloor(tenant: Tenant, floor: Revision): void {
  const compacted = tenant.commits.splice(0, Number(floor - tenant.floor));
  tenant.floor = floor;
  for (const { key } of compacted.flat()) {
    const history = tenant.histories.get(key);
    if (history) dropUnseen(history, floor);
    if (history?.versions.length === 0) tenant.histories.delete(key);
  }
}

function dropUnseen(history: History, floor: Revision): void {
  const seen = history.versions.findLastIndex(({ revision }) => revision <= floor);
  const deleted = history.versions[seen]?.value === undefined;
  history.versions = history.versions.slice(deleted ? seen + 1 : seen);
}
