import type { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import type { Micros } from "../../store/store.ts";

/** When a snapshot ends that is read now; 0 for never. */
export function lifeEnd(ttlSeconds: number, now: Micros): Micros {
  return ttlSeconds === 0 ? 0n : now + BigInt(ttlSeconds) * 1_000_000n;
}

/** End of life of a snapshot whose removal has begun: nothing changes it any more. */
export const REMOVED: Micros = 1n;

export function isRemoved(stored: StoredSnapshot): boolean {
  return stored.expireTimeMicros === REMOVED;
}

export function isExpired(stored: StoredSnapshot, now: Micros): boolean {
  return !stored.held && stored.expireTimeMicros !== 0n && stored.expireTimeMicros <= now;
}
