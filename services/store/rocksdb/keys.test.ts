import fc from "fast-check";
import { expect, test } from "vitest";
import { compareKeys } from "../range.ts";
import { afterVersions, dataPrefix, isDeleted, keyOf, revisionOf, sameKey, versionBound, versionKey } from "./keys.ts";

const key = fc.uint8Array({ minLength: 1, maxLength: 12, max: 2 });
const revision = fc.maxSafeNat();

test("versions sort by key, then newest first", () => {
  const version = fc.record({ key, revision });
  fc.assert(
    fc.property(version, version, (one, other) => {
      const physical = Buffer.compare(versionOf(one), versionOf(other));
      const expected = compareKeys(one.key, other.key) || Math.sign(other.revision - one.revision);
      expect(physical).toBe(expected);
    }),
  );
});

test("all versions of a key, and no other, lie between its bounds", () => {
  fc.assert(
    fc.property(key, key, revision, (one, other, at) => {
      const prefix = dataPrefix(7, one);
      const version = versionKey(dataPrefix(7, other), at, false);
      const inside = Buffer.compare(version, prefix) >= 0 && Buffer.compare(version, afterVersions(prefix)) < 0;
      expect(inside).toBe(compareKeys(one, other) === 0);
    }),
  );
});

test("a version gives back what it was made of", () => {
  fc.assert(
    fc.property(key, revision, fc.boolean(), (of, at, deleted) => {
      const version = versionKey(dataPrefix(7, of), at, deleted);
      expect(compareKeys(keyOf(version), of)).toBe(0);
      expect([revisionOf(version), isDeleted(version)]).toEqual([at, deleted]);
      expect(sameKey(version, versionKey(dataPrefix(7, of), 1, false))).toBe(true);
    }),
  );
});

test("the bound of a revision lies between it and the next one", () => {
  fc.assert(
    fc.property(key, fc.nat(), (of, at) => {
      const prefix = dataPrefix(7, of);
      expect(Buffer.compare(versionBound(prefix, at), versionKey(prefix, at, false))).toBe(-1);
      expect(Buffer.compare(versionBound(prefix, at), versionKey(prefix, at + 1, true))).toBe(1);
    }),
  );
});

function versionOf(version: { key: Uint8Array; revision: number }): Buffer {
  return versionKey(dataPrefix(7, version.key), version.revision, false);
}
