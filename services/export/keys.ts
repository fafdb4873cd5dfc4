/**
 * The keys of the export service in its store, per tenant. Numbers are big-endian so that byte order is number order.
 *
 *   collection/<name>                            StoredCollection
 *   collection-number                            uint32: last number given
 *   touched/<collection>                         empty; its revision is the last commit that changed a record of the collection
 *   record/<collection><id>                      StoredRecord
 *   subject/<subject>\0<collection><id>          empty: a record that is or was this subject's; written with it, kept when it goes
 *   deleted/<collection>                         empty; its revision is the last commit that deleted records of the collection
 *   deletion/<collection><before><id>            StoredDeletion; its revision is the commit that deleted the record, `before` the revision of the one
 *                                                that deleted records of the collection before: the order of the keys is that of the commits
 *   ingest/<collection><ingest id>               StoredIngest
 *   open-ingest/<collection><ingest id>          empty: there while the ingest is open, or was left open
 *   chunk/<collection><ingest id>/<number>       StoredChunk
 *   dataset/<name>                               StoredDatasetHead
 *   dataset-version/<name>/<version>             StoredDataset
 *   snapshot/<key>                               StoredSnapshot
 *   snapshot-time/<create time><key>             empty: all snapshots by age
 *   block/<snapshot key><first sample>           StoredBlock
 *   block-use/<block digest><snapshot key>       empty: who needs the file
 *   plan/<hash>                                  StoredPlan
 *   weight-table/<digest>/<part>                 StoredWeightTablePart
 *   snapshot-hold/<snapshot key><holder>         StoredSnapshotHold: who keeps the snapshot
 *   holder/<holder>\0<snapshot key>              the same: what somebody keeps
 *   run/<id>                                     StoredRun
 *   run-state/<id>                               StoredRunState
 *   run-time/<create time><id>                   empty: all runs by age
 *   run-epoch/<id>/<epoch>                       StoredRunEpoch
 *   run-loss/<id>/<epoch><part>                  StoredLossPart
 */
import { joinKey, uint64 } from "../store/key-parts.ts";
import type { Key } from "../store/store.ts";

export const collectionNumberKey: Key = joinKey("collection-number");
export const collectionKey = (name: string): Key => joinKey("collection/", name);
export const touchedKey = (collection: number): Key => joinKey("touched/", collection);
export const recordKey = (collection: number, id: string): Key => joinKey("record/", collection, id);
export const subjectKey = (subject: string, collection: number, id: string): Key =>
  joinKey("subject/", subject, "\0", collection, id);
export const deletedKey = (collection: number): Key => joinKey("deleted/", collection);
export const deletionKey = (collection: number, before: bigint, id: string): Key =>
  joinKey("deletion/", collection, uint64(before), id);
export const ingestKey = (collection: number, ingestId: string): Key => joinKey("ingest/", collection, ingestId);
export const openIngestKey = (collection: number, ingestId: string): Key =>
  joinKey("open-ingest/", collection, ingestId);
export const chunkKey = (collection: number, ingestId: string, chunk: number): Key =>
  joinKey("chunk/", collection, ingestId, "/", chunk);
export const datasetKey = (name: string): Key => joinKey("dataset/", name);
export const datasetVersionKey = (name: string, version: number): Key =>
  joinKey("dataset-version/", name, "/", version);
export const snapshotKey = (key: Uint8Array): Key => joinKey("snapshot/", key);
export const snapshotTimeKey = (createMicros: bigint, key: Uint8Array): Key =>
  joinKey("snapshot-time/", uint64(createMicros), key);
export const blockKey = (snapshot: Uint8Array, firstSample: bigint): Key =>
  joinKey("block/", snapshot, uint64(firstSample));
export const blockUseKey = (digest: Uint8Array, snapshot: Uint8Array): Key => joinKey("block-use/", digest, snapshot);
export const weightTablePartKey = (digest: Uint8Array, part: number): Key =>
  joinKey("weight-table/", digest, "/", part);
export const planKey = (hash: Uint8Array): Key => joinKey("plan/", hash);
export const snapshotHoldKey = (snapshot: Uint8Array, holder: string): Key =>
  joinKey("snapshot-hold/", snapshot, holder);
export const holderKey = (holder: string, snapshot: Uint8Array): Key => joinKey("holder/", holder, "\0", snapshot);
export const holderPrefix = (start: string): Key => joinKey("holder/", start);
export const runKey = (id: string): Key => joinKey("run/", id);
export const runStateKey = (id: string): Key => joinKey("run-state/", id);
export const runTimeKey = (createMicros: bigint, id: string): Key => joinKey("run-time/", uint64(createMicros), id);
export const runEpochKey = (id: string, epoch: number): Key => joinKey("run-epoch/", id, "/", epoch);
export const lossPartKey = (id: string, epoch: number, part: number): Key => joinKey("run-loss/", id, "/", epoch, part);

/** Length of the part of a record's key before its id. */
export const recordKeyPrefixBytes: number = recordKey(0, "").length;
