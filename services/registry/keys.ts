/**
 * The keys of the registry in its store, per tenant. Numbers are big-endian so that byte order is number order. What another part follows ends
 * with a NUL where it may have any length, so that the order of the keys is that of the names.
 *
 *   base-model/<name>␀<revision>                                StoredBaseModel
 *   base-model-layers/<name>␀<revision>                         StoredLayers
 *   base-model-name/<other name>␀<name>␀<revision>              empty: how adapters may call it
 *   base-model-names                                            empty; its revision is the last commit that gave a name
 *   base-model-use/<name>␀<revision>                            empty; its revision is the last commit that made a version of it
 *   adapter/<name>                                              StoredAdapter
 *   adapter-use/<name>                                          uint64: moves of its aliases; its revision is the last commit that pointed an alias at one of
 *                                                               its versions
 *   adapter-children/<name>                                     empty; its revision is the last commit that named one of its versions as a parent
 *   version/<adapter>␀<number>                                  StoredVersion: never changes
 *   version-state/<adapter>␀<number>                            StoredVersionState: what can change
 *   version-of-run/<run>␀<adapter>␀<number>                     empty: what a version came from, deleted ones too
 *   version-of-snapshot/<snapshot key><adapter>␀<number>        empty
 *   version-of-parent/<adapter>␀<number><adapter>␀<number>      empty: of the parent, then of the child
 *   version-of-base/<name>␀<revision>␀<adapter>␀<number>        empty
 *   alias/<adapter>␀<alias>                                     StoredAlias
 *   alias-move/<adapter>␀<alias>␀<number>                       StoredAliasMove: kept for ever
 *   alias-history/<adapter>␀<number>                            key of a move: those of all aliases of the adapter
 *   metric/<adapter>␀<number><metric>␀<time><step><source>      StoredMetric
 *   request/<request id>                                        StoredVersionName: the version that a request made
 *   imported/<SHA-256 of the entry>                             StoredVersionName: the version that an imported entry made
 *   artifact/<digest>                                           StoredArtifact
 *   artifact-use/<digest><adapter>␀<number>                     empty: who needs the files
 *   hold/<snapshot key>                                         StoredHold: a snapshot that versions hold in the export service
 *   untold/<adapter>␀<number>                                   empty: a version whose children were not told of the last deletions of what it has in it
 *   signature-policy                                            StoredSignaturePolicy
 *
 * What WatchAdapters sends are the changes of `adapter/`, `version-state/` and `alias-move/`: a version and its state are made in one commit.
 */

import { joinKey, uint64 } from "../store/key-parts.ts";
import { prefixRange as keysAfter } from "../store/range.ts";
import type { Key, KeyRange } from "../store/store.ts";

/** A version by its adapter and number. */
export interface VersionName {
  readonly adapter: string;
  readonly version: number;
}

/** Times before 1970 come first too. */
function int64(value: bigint): Uint8Array {
  return uint64(BigInt.asUintN(64, value + 2n ** 63n));
}

const versionPart = ({ adapter, version }: VersionName): Key => joinKey(adapter, "\0", version);

export const baseModelKey = (name: string, revision: string): Key => joinKey("base-model/", name, "\0", revision);
export const layersKey = (name: string, revision: string): Key => joinKey("base-model-layers/", name, "\0", revision);
export const baseModelNameKey = (otherName: string, name: string, revision: string): Key =>
  joinKey("base-model-name/", otherName, "\0", name, "\0", revision);
export const baseModelNamesKey: Key = joinKey("base-model-names");
export const baseModelUseKey = (name: string, revision: string): Key =>
  joinKey("base-model-use/", name, "\0", revision);
export const adapterKey = (name: string): Key => joinKey("adapter/", name);
export const adapterUseKey = (name: string): Key => joinKey("adapter-use/", name);
export const adapterChildrenKey = (name: string): Key => joinKey("adapter-children/", name);
export const versionKey = (name: VersionName): Key => joinKey("version/", versionPart(name));
export const versionStateKey = (name: VersionName): Key => joinKey("version-state/", versionPart(name));
export const versionOfRunKey = (run: string, name: VersionName): Key =>
  joinKey("version-of-run/", run, "\0", versionPart(name));
export const versionOfSnapshotKey = (snapshot: Uint8Array, name: VersionName): Key =>
  joinKey("version-of-snapshot/", snapshot, versionPart(name));
export const versionOfParentKey = (parent: VersionName, name: VersionName): Key =>
  joinKey("version-of-parent/", versionPart(parent), versionPart(name));
export const versionOfBaseKey = (baseModel: string, revision: string, name: VersionName): Key =>
  joinKey("version-of-base/", baseModel, "\0", revision, "\0", versionPart(name));
export const aliasKey = (adapter: string, alias: string): Key => joinKey("alias/", adapter, "\0", alias);
export const aliasMoveKey = (adapter: string, alias: string, move: bigint): Key =>
  joinKey("alias-move/", adapter, "\0", alias, "\0", uint64(move));
export const aliasHistoryKey = (adapter: string, move: bigint): Key =>
  joinKey("alias-history/", adapter, "\0", uint64(move));
export const metricKey = (name: VersionName, value: MetricPlace): Key =>
  joinKey("metric/", versionPart(name), value.metric, "\0", int64(value.timeMicros), uint64(value.step), value.source);
export const requestKey = (request: string): Key => joinKey("request/", request);
export const importedKey = (digest: Uint8Array): Key => joinKey("imported/", digest);
export const artifactKey = (digest: Uint8Array): Key => joinKey("artifact/", digest);
export const artifactUseKey = (digest: Uint8Array, name: VersionName): Key =>
  joinKey("artifact-use/", digest, versionPart(name));
export const holdKey = (snapshot: Uint8Array): Key => joinKey("hold/", snapshot);
export const untoldKey = (name: VersionName): Key => joinKey("untold/", versionPart(name));
export const signaturePolicyKey: Key = joinKey("signature-policy");

/** Where a value of a metric is kept. */
export interface MetricPlace {
  readonly metric: string;
  readonly timeMicros: bigint;
  readonly step: bigint;
  readonly source: string;
}

/** All keys that begin with these bytes, e.g. `prefixRange("version/", adapter, "\0")`. */
export function prefixRange(...parts: (string | Uint8Array)[]): KeyRange {
  return keysAfter(joinKey(...parts));
}

/** Values of a metric of a version, or of all where it is empty. */
export const metricsOf = (name: VersionName, metric: string): KeyRange =>
  prefixRange("metric/", versionPart(name), metric === "" ? "" : `${metric}\0`);

/** Keys of the versions that have one as their parent; each ends with the child, from the length of `start`. */
export const childrenOf = (parent: VersionName): KeyRange => prefixRange("version-of-parent/", versionPart(parent));

/** The version that the end of a key names, from `offset`: an adapter's name, a NUL and a number. */
export function versionNameAt(key: Key, offset: number): VersionName {
  const bytes = Buffer.from(key);
  return { adapter: bytes.toString("utf8", offset, bytes.length - 5), version: bytes.readUInt32BE(bytes.length - 4) };
}
