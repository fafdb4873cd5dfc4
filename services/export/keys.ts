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
import type { Key } from "../store/store.ts";

const text = new TextEncoder();

function join(...parts: (string | Uint8Array | number)[]): Key {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === "string" ? text.encode(part) : typeof part === "number" ? uint32(part) : part,
    ),
  );
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function uint64(value: bigint): Uint8Array {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export const collectionNumberKey: Key = join("collection-number");
export const collectionKey = (name: string): Key => join("collection/", name);
export const touchedKey = (collection: number): Key => join("touched/", collection);
export const recordKey = (collection: number, id: string): Key => join("record/", collection, id);
export const subjectKey = (subject: string, collection: number, id: string): Key =>
  join("subject/", subject, "\0", collection, id);
export const deletedKey = (collection: number): Key => join("deleted/", collection);
export const deletionKey = (collection: number, before: bigint, id: string): Key =>
  join("deletion/", collection, uint64(before), id);
export const ingestKey = (collection: number, ingestId: string): Key => join("ingest/", collection, ingestId);
export const openIngestKey = (collection: number, ingestId: string): Key => join("open-ingest/", collection, ingestId);
export const chunkKey = (collection: number, ingestId: string, chunk: number): Key =>
  join("chunk/", collection, ingestId, "/", chunk);
export const datasetKey = (name: string): Key => join("dataset/", name);
export const datasetVersionKey = (name: string, version: number): Key => join("dataset-version/", name, "/", version);
export const snapshotKey = (key: Uint8Array): Key => join("snapshot/", key);
export const snapshotTimeKey = (createMicros: bigint, key: Uint8Array): Key =>
  join("snapshot-time/", uint64(createMicros), key);
export const blockKey = (snapshot: Uint8Array, firstSample: bigint): Key =>
  join("block/", snapshot, uint64(firstSample));
export const blockUseKey = (digest: Uint8Array, snapshot: Uint8Array): Key => join("block-use/", digest, snapshot);
export const weightTablePartKey = (digest: Uint8Array, part: number): Key => join("weight-table/", digest, "/", part);
export const planKey = (hash: Uint8Array): Key => join("plan/", hash);
export const snapshotHoldKey = (snapshot: Uint8Array, holder: string): Key => join("snapshot-hold/", snapshot, holder);
export const holderKey = (holder: string, snapshot: Uint8Array): Key => join("holder/", holder, "\0", snapshot);
export const holderPrefix = (start: string): Key => join("holder/", start);
export const runKey = (id: string): Key => join("run/", id);
export const runStateKey = (id: string): Key => join("run-state/", id);
export const runTimeKey = (createMicros: bigint, id: string): Key => join("run-time/", uint64(createMicros), id);
export const runEpochKey = (id: string, epoch: number): Key => join("run-epoch/", id, "/", epoch);
export const lossPartKey = (id: string, epoch: number, part: number): Key => join("run-loss/", id, "/", epoch, part);

/** Length of the part of a record's key before its id. */
export const recordKeyPrefixBytes: number = recordKey(0, "").length;
