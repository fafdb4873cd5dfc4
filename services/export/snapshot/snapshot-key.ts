import { createHash, hash } from "node:crypto";
import { StoredPlan } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import type { Micros, Revision, StoreIdentity } from "../../store/store.ts";
import { RENDERER_VERSION } from "../rendering/renderer-version.ts";

/** Version of the order in which an index counts: that of the snapshot. */
const ORDER_VERSION = 1;

export interface SnapshotIdentity {
  readonly store: StoreIdentity;
  readonly specDigest: Uint8Array;
  readonly revision: Revision;
  readonly asOf: Micros;
}

/** Names what will be built before it is: equal for equal questions to one store. */
export function snapshotKeyOf({ store, specDigest, revision, asOf }: SnapshotIdentity): Uint8Array {
  const numbers = Buffer.alloc(20);
  numbers.writeBigUInt64BE(revision, 0);
  numbers.writeBigInt64BE(asOf, 8);
  numbers.writeUInt32BE(RENDERER_VERSION, 16);
  return createHash("sha256")
    .update(Buffer.from(store.storeId, "hex"))
    .update(Buffer.from(store.incarnation, "hex"))
    .update(specDigest)
    .update(numbers)
    .digest();
}

/** The plan that streams a snapshot in its own order, encoded, and its hash. */
export function planOf(snapshotKey: Uint8Array): { hash: Uint8Array; plan: Uint8Array } {
  const plan = encoded(StoredPlan, StoredPlan.fromPartial({ snapshotKey, orderVersion: ORDER_VERSION }));
  return { hash: hash("sha256", plan, "buffer"), plan };
}

/** Holds the records of a build against compaction. */
export function snapshotPinId(key: Uint8Array): string {
  return `snapshot/${hexOf(key)}`;
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
