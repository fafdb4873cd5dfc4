import { expect, test } from "vitest";
import { hexOf, planOf, type SnapshotIdentity, snapshotKeyOf } from "./snapshot-key.ts";

const identity: SnapshotIdentity = {
  store: { storeId: "0f".repeat(16), incarnation: "1e".repeat(16) },
  specDigest: new Uint8Array(32).fill(7),
  revision: 12n,
  asOf: 1_760_000_000_000_000n,
};

test("equal questions have equal keys, and every part counts", () => {
  const keys = [
    identity,
    { ...identity, store: { ...identity.store, storeId: "00".repeat(16) } },
    { ...identity, store: { ...identity.store, incarnation: "00".repeat(16) } },
    { ...identity, specDigest: new Uint8Array(32) },
    { ...identity, revision: 13n },
    { ...identity, asOf: -1n },
  ].map((one) => hexOf(snapshotKeyOf(one)));
  expect(new Set(keys).size).toBe(6);
  expect(hexOf(snapshotKeyOf({ ...identity }))).toBe(keys[0]);
});

test("a plan is named by its content", () => {
  const key = snapshotKeyOf(identity);
  expect(planOf(key).hash).toEqual(planOf(key).hash);
  expect(planOf(key).hash).not.toEqual(planOf(new Uint8Array(32)).hash);
});
