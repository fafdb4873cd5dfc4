import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { encoded } from "../../kit/encoded.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import { type Clock, type Micros, type Revision, type Store, StoreError, type TenantId } from "../../store/store.ts";
import { planKey, snapshotKey, snapshotTimeKey } from "../keys.ts";
import { RENDERER_VERSION } from "../rendering/renderer-version.ts";
import { BlockCache } from "./blocks/block-cache.ts";
import { BlockFiles } from "./blocks/block-files.ts";
import { OpenFiles } from "./blocks/open-files.ts";
import { VerifiedPages } from "./blocks/verified-pages.ts";
import { BuildThreads } from "./build/build-threads.ts";
import { Builds } from "./build/builds.ts";
import { RenderPool } from "./build/render-pool.ts";
import { endHolds } from "./end-holds.ts";
import { isExpired, isRemoved, lifeEnd } from "./expiry.ts";
import { holdersOf } from "./holds.ts";
import { SnapshotRemover } from "./remove-snapshot.ts";
import { snapshotHeld, snapshotInUse, snapshotNotFound } from "./snapshot-errors.ts";
import { hexOf, planOf, snapshotKeyOf, snapshotPinId } from "./snapshot-key.ts";
import { SnapshotReader } from "./snapshot-reader.ts";
import { changeSnapshot, getSnapshot, type SnapshotEntry, snapshotsByKey } from "./stored-snapshots.ts";
import { StreamSpace } from "./stream-space.ts";
import { startSweeper } from "./sweeper.ts";
import { SampleTables } from "./table/sample-tables.ts";
import { SnapshotUses } from "./uses.ts";

export interface SnapshotsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Blocks live below it. */
  readonly dataDirectory: string;
  readonly pluginsDirectory: string | undefined;
  readonly renderThreads: number;
  /** Disk budget of the snapshots that streams make; a fifth of the disk where undefined. */
  readonly streamSnapshotsGib: number | undefined;
  /** True where other processes use the same store. */
  readonly sharedStore: boolean;
  /** Whose snapshots are swept and whose builds are taken up again. */
  readonly tenants: () => Promise<readonly TenantId[]>;
}

/** What to build. */
export interface SnapshotRequest {
  readonly dataset: string;
  readonly datasetVersion: number;
  /** In its canonical form. */
  readonly spec: DatasetSpec;
  readonly specDigest: Uint8Array;
  /** Internal number. */
  readonly collection: number;
  /** The last commit that changed the collection. */
  readonly revision: Revision;
  /** A readable revision that shows the same records. */
  readonly readRevision: Revision;
  readonly asOf: Micros;
  /** Removed so long after it was last read; kept until deleted where 0. */
  readonly ttlSeconds: number;
}

/** No build takes longer; a pin that is left behind ends by itself. */
const PIN_SECONDS = 7 * 24 * 3600;
const MINIMUM_PREFIX = 8;

/** All snapshots of a store, their builds in this process, and their blocks. */
export class Snapshots implements AsyncDisposable {
  readonly builds: Builds;
  readonly uses: SnapshotUses = new SnapshotUses();
  readonly #options: SnapshotsOptions;
  readonly #files: BlockFiles;
  /** What planned streams read. */
  readonly openFiles: OpenFiles = new OpenFiles();
  /** Random access to sealed snapshots. */
  readonly tables: SampleTables;
  readonly #cache = new BlockCache();
  readonly #verified = new VerifiedPages();
  readonly #pool: RenderPool;
  readonly #threads: BuildThreads;
  readonly #remover: SnapshotRemover;
  readonly #space: StreamSpace;
  readonly #stopSweeper: () => Promise<void>;

  /** Takes up the builds that were broken off, and sweeps, from now on. */
  constructor(options: SnapshotsOptions) {
    const { store, dataDirectory, pluginsDirectory, renderThreads } = options;
    this.#options = options;
    this.#files = new BlockFiles(dataDirectory, store, this.openFiles, options.sharedStore);
    this.tables = new SampleTables({ store, dataDirectory, files: this.openFiles });
    this.#pool = new RenderPool(store, renderThreads, pluginsDirectory);
    this.#threads = new BuildThreads(limits.concurrent_builds);
    this.builds = new Builds({
      ...options,
      files: this.#files,
      verified: this.#verified,
      pool: this.#pool,
      threads: this.#threads,
      holder: randomUUID(),
      space: () => this.#space,
    });
    const parts = { files: this.#files, tables: this.tables, builds: this.builds, uses: this.uses };
    this.#remover = new SnapshotRemover({ store, ...parts });
    this.#space = new StreamSpace({
      ...options,
      ...parts,
      remover: this.#remover,
      maximumGib: options.streamSnapshotsGib,
    });
    this.#stopSweeper = startSweeper({ ...options, ...parts, remover: this.#remover });
  }

  /** The snapshot of a request: the one that exists, or a new one whose build begins. */
  async ensure(tenant: TenantId, request: SnapshotRequest): Promise<SnapshotEntry> {
    const { store, clock } = this.#options;
    const key = snapshotKeyOf({ store: store.identity, ...request });
    const found = await getSnapshot(store, tenant, key);
    if (found !== undefined && isExpired(found, clock.now())) {
      await this.#remover.remove(tenant, key, (stored) => this.isGone(tenant, { key, stored }));
    }
    const stored = (await this.#extend(tenant, key, request.ttlSeconds)) ?? (await this.#create(tenant, key, request));
    if (stored.snapshot?.state === Snapshot_State.STATE_BUILDING) await this.builds.take(tenant, key);
    return { key, stored };
  }

  /** By key or the first digits of one. Throws FIELD_INVALID, SNAPSHOT_NOT_FOUND. */
  async find(tenant: TenantId, snapshot: string): Promise<SnapshotEntry> {
    if (!/^[0-9a-f]*$/.test(snapshot) || snapshot.length < MINIMUM_PREFIX || snapshot.length > 64) {
      throw fieldInvalid("snapshot", snapshot, `${MINIMUM_PREFIX} to 64 lowercase hex digits`);
    }
    const found: SnapshotEntry[] = [];
    for await (const entry of snapshotsByKey(this.#options.store, tenant, snapshot)) {
      if (found.push(entry) === 2) throw fieldInvalid("snapshot", snapshot, "enough digits to tell snapshots apart");
    }
    const [entry] = found;
    if (entry === undefined || this.isGone(tenant, entry)) throw snapshotNotFound(snapshot);
    return entry;
  }

  /** By its whole key; undefined where it does not exist or is past its life. */
  async get(tenant: TenantId, key: Uint8Array): Promise<StoredSnapshot | undefined> {
    const stored = await getSnapshot(this.#options.store, tenant, key);
    return stored === undefined || this.isGone(tenant, { key, stored }) ? undefined : stored;
  }

  /** Pages of a snapshot for one stream; close it after use. */
  reader(tenant: TenantId, key: Uint8Array): SnapshotReader {
    const { store } = this.#options;
    const parts = { store, builds: this.builds, files: this.#files, cache: this.#cache, verified: this.#verified };
    return new SnapshotReader(parts, tenant, key);
  }

  /** Where a block of a sealed snapshot is. */
  blockPath(tenant: TenantId, digest: Uint8Array): string {
    return this.#files.path(tenant, digest);
  }

  /** Renews the life of a snapshot that is read; at most once in a twentieth of it. */
  async renew(tenant: TenantId, key: Uint8Array): Promise<void> {
    const { store, clock } = this.#options;
    await changeSnapshot(store, tenant, key, (stored) => {
      const end = lifeEnd(stored.ttlSeconds, clock.now());
      const gained = end - stored.expireTimeMicros;
      return gained > BigInt(stored.ttlSeconds) * 50_000n ? { ...stored, expireTimeMicros: end } : undefined;
    });
  }

  /** Ends its build and removes it. Throws SNAPSHOT_IN_USE. */
  async delete(tenant: TenantId, key: Uint8Array): Promise<void> {
    const streams = this.uses.count(tenant, key);
    if (streams > 0) throw snapshotInUse(key, streams);
    await endHolds(this.#options, tenant, key);
    const removed = await this.#remover.remove(tenant, key, (stored) => !stored.held);
    const [holder] = removed ? [] : await holdersOf(this.#options.store, tenant, key);
    if (holder !== undefined) throw snapshotHeld(key, holder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stopSweeper();
    await this.builds.close();
    await Promise.all([this.#pool.close(), this.#threads.close()]);
    this.openFiles[Symbol.dispose]();
  }

  /** Whether a stored snapshot is past its life and nobody reads it, or is being removed. */
  isGone(tenant: TenantId, { key, stored }: SnapshotEntry): boolean {
    return isRemoved(stored) || (isExpired(stored, this.#options.clock.now()) && this.uses.count(tenant, key) === 0);
  }

  /** Gives an existing snapshot the longer of two lives. */
  #extend(tenant: TenantId, key: Uint8Array, ttlSeconds: number): Promise<StoredSnapshot | undefined> {
    const { store, clock } = this.#options;
    return changeSnapshot(store, tenant, key, (stored) => {
      if (stored.ttlSeconds === 0 || (ttlSeconds !== 0 && ttlSeconds <= stored.ttlSeconds)) return undefined;
      return { ...stored, ttlSeconds, expireTimeMicros: lifeEnd(ttlSeconds, clock.now()) };
    });
  }

  /** One commit holds the snapshot and its plan; the pin is there before. */
  async #create(tenant: TenantId, key: Uint8Array, request: SnapshotRequest): Promise<StoredSnapshot> {
    const { store, clock } = this.#options;
    const now = clock.now();
    const { hash, plan } = planOf(key);
    const stored = newSnapshot(key, request, hash, now);
    // One with this key may have been here before: its blocks are gone.
    this.#cache.remove(`${tenant}/${hexOf(key)}`);
    await store.pin(tenant, snapshotPinId(key), request.readRevision, PIN_SECONDS);
    try {
      await store.commit(
        tenant,
        [
          { put: snapshotKey(key), value: encoded(StoredSnapshot, stored) },
          { put: planKey(hash), value: plan },
          { put: snapshotTimeKey(now, key), value: new Uint8Array() },
        ],
        [{ key: snapshotKey(key), revision: 0n }],
      );
      return stored;
    } catch (error) {
      const other = error instanceof StoreError && error.code === "ABORTED" && (await getSnapshot(store, tenant, key));
      if (other) return other;
      throw error;
    }
  }
}

function newSnapshot(key: Uint8Array, request: SnapshotRequest, plan: Uint8Array, now: Micros): StoredSnapshot {
  return StoredSnapshot.fromPartial({
    snapshot: {
      key: hexOf(key),
      dataset: request.dataset,
      datasetVersion: request.datasetVersion,
      spec: request.spec,
      revision: request.revision,
      asOf: toTimestamp(request.asOf),
      state: Snapshot_State.STATE_BUILDING,
      createTime: toTimestamp(now),
      rendererVersion: RENDERER_VERSION,
    },
    ttlSeconds: request.ttlSeconds,
    expireTimeMicros: lifeEnd(request.ttlSeconds, now),
    collectionNumber: request.collection,
    plan,
    readRevision: request.readRevision,
  });
}
