import type { StoredSnapshot } from "../../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import type { Micros } from "../../../store/store.ts";

/** Only the holder of a snapshot's lease builds it. Renewed with every block, and every third of its length. */
export const LEASE_SECONDS = 30;

export function withLease(stored: StoredSnapshot, holder: string, now: Micros): StoredSnapshot {
  return { ...stored, leaseHolder: holder, leaseExpireMicros: now + BigInt(LEASE_SECONDS) * 1_000_000n };
}

export function withoutLease(stored: StoredSnapshot): StoredSnapshot {
  return { ...stored, leaseHolder: "", leaseExpireMicros: 0n };
}

/** True where another holder may still be building. */
export function isLeasedToOther(stored: StoredSnapshot, holder: string, now: Micros): boolean {
  return stored.leaseHolder !== holder && stored.leaseExpireMicros > now;
}
