import { entries } from "../../store/entries.ts";
import type { Key, StoreReader, TenantId } from "../../store/store.ts";
import type { VersionIndex } from "../adapters/versions-at.ts";
import {
  prefixRange,
  type VersionName,
  versionNameAt,
  versionOfBaseKey,
  versionOfParentKey,
  versionOfRunKey,
  versionOfSnapshotKey,
} from "../keys.ts";

/** Where the versions are found that came from something. */
export const versionsOf = {
  run: (run: string): VersionIndex => indexOf((name) => versionOfRunKey(run, name)),
  /** @param snapshot its whole key */
  snapshot: (snapshot: string): VersionIndex =>
    indexOf((name) => versionOfSnapshotKey(Buffer.from(snapshot, "hex"), name)),
  parent: (parent: VersionName): VersionIndex => indexOf((name) => versionOfParentKey(parent, name)),
  baseModel: (baseModel: string, revision: string): VersionIndex =>
    indexOf((name) => versionOfBaseKey(baseModel, revision, name)),
};

const emptyName: VersionName = { adapter: "", version: 0 };
/** A NUL and a number. */
const emptyNameBytes = 5;

function indexOf(keyOf: (name: VersionName) => Key): VersionIndex {
  const key = keyOf(emptyName);
  const prefix = key.subarray(0, key.length - emptyNameBytes);
  return { range: prefixRange(prefix), nameStart: prefix.length };
}

/** Names of all versions that were trained on a snapshot, deleted ones too. */
export async function* namesOfSnapshot(
  store: StoreReader,
  tenant: TenantId,
  snapshot: string,
): AsyncGenerator<VersionName> {
  const { range, nameStart } = versionsOf.snapshot(snapshot);
  for await (const { key } of entries(store, tenant, range)) yield versionNameAt(key, nameStart);
}

/** All versions by the snapshots that they were trained on, deleted ones too. */
export async function* versionsBySnapshot(
  store: StoreReader,
  tenant: TenantId,
): AsyncGenerator<{ readonly snapshot: string; readonly name: VersionName }> {
  const all = prefixRange("version-of-snapshot/");
  const nameStart = all.start.length + 32;
  for await (const { key } of entries(store, tenant, all)) {
    const snapshot = Buffer.from(key.subarray(all.start.length, nameStart)).toString("hex");
    yield { snapshot, name: versionNameAt(key, nameStart) };
  }
}
