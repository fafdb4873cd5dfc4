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

/** Keys of all snapshots that versions were trained on, each once. */
export async function* trainedSnapshots(store: StoreReader, tenant: TenantId): AsyncGenerator<string> {
  const all = prefixRange("version-of-snapshot/");
  for (let start = all.start; ; ) {
    const {
      entries: [first],
    } = await store.scan(tenant, { start, end: all.end }, { limit: 1 });
    if (first === undefined) return;
    const snapshot = Buffer.from(first.key.subarray(all.start.length, all.start.length + 32)).toString("hex");
    yield snapshot;
    start = versionsOf.snapshot(snapshot).range.end;
  }
}
