import { statfs } from "node:fs/promises";
import { Snapshot_State } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { Micros, Store, TenantId } from "../../store/store.ts";
import { storedBlocks } from "./blocks/stored-blocks.ts";
import type { Builds } from "./build/builds.ts";
import { holdersOf } from "./holds.ts";
import { Mutex } from "./mutex.ts";
import type { SnapshotRemover } from "./remove-snapshot.ts";
import { snapshotsByKey } from "./stored-snapshots.ts";
import type { SnapshotUses } from "./uses.ts";

export interface StreamSpaceOptions {
  readonly store: Store;
  readonly builds: Pick<Builds, "running" | "canTake">;
  readonly uses: SnapshotUses;
  readonly remover: SnapshotRemover;
  readonly tenants: () => Promise<readonly TenantId[]>;
  readonly dataDirectory: string;
  /** A fifth of the disk where undefined. */
  readonly maximumGib: number | undefined;
}

interface Candidate {
  readonly tenant: TenantId;
  readonly key: Uint8Array;
  readonly bytes: number;
  /** As it was seen: a snapshot that was read or renewed since has another. */
  readonly expires: Micros;
  readonly lastRead: Micros;
}

const GIB = 1024 ** 3;
/** Evicting goes on to below this part of the budget, so that not every block has to look again. */
const LOW_WATER = 0.9;
/** Holders that an error names. */
const NAMED_HOLDERS = 5;

/**
 * The disk budget of the snapshots that streams made, all tenants together. A block that two snapshots share counts for both.
 * Above it the longest unread ones without readers go; snapshots that BuildSnapshot made are neither counted nor removed.
 */
export class StreamSpace {
  readonly #options: StreamSpaceOptions;
  readonly #mutex = new Mutex();
  /** What is known to be used: as last measured, and what was taken since. Too much where snapshots went meanwhile. */
  #used = Number.POSITIVE_INFINITY;
  #maximum: number | undefined;

  constructor(options: StreamSpaceOptions) {
    this.#options = options;
  }

  /** Takes room for a block of a tenant's build that runs. Throws LIMIT_EXCEEDED; rejects at once when the build is stopped. */
  async take(tenant: TenantId, bytes: number, signal: AbortSignal): Promise<void> {
    const stopped = Promise.withResolvers<never>();
    const stop = (): void => stopped.reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    try {
      // A removal may wait for this very build to stop.
      await Promise.race([this.#mutex.run(() => this.#take(tenant, bytes)), stopped.promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  }

  async #take(tenant: TenantId, bytes: number): Promise<void> {
    const maximum = await this.#limit();
    if (this.#used + bytes > maximum) await this.#evict(bytes, maximum);
    if (this.#used + bytes > maximum) {
      throw spaceExhausted(this.#used + bytes, maximum, await this.#holders(tenant));
    }
    this.#used += bytes;
  }

  async #limit(): Promise<number> {
    const { maximumGib, dataDirectory } = this.#options;
    if (maximumGib !== undefined) return maximumGib * GIB;
    if (this.#maximum === undefined) {
      const { blocks, bsize } = await statfs(dataDirectory);
      this.#maximum = (blocks * bsize) / 5;
    }
    return this.#maximum;
  }

  async #evict(bytes: number, maximum: number): Promise<void> {
    const { used, candidates } = await this.#measure();
    this.#used = used;
    for (const { tenant, key, bytes: freed, expires } of candidates) {
      if (this.#used + bytes <= maximum * LOW_WATER) return;
      const unchanged = (found: StoredSnapshot): boolean =>
        found.expireTimeMicros === expires && this.#isIdle(tenant, key, found);
      if (await this.#options.remover.remove(tenant, key, unchanged)) this.#used -= freed;
    }
  }

  /** What is used, and what could go: longest unread first. */
  async #measure(): Promise<{ used: number; candidates: readonly Candidate[] }> {
    let used = 0;
    const candidates: Candidate[] = [];
    for (const tenant of await this.#options.tenants()) {
      for await (const { key, stored } of snapshotsByKey(this.#options.store, tenant)) {
        if (stored.ttlSeconds === 0) continue;
        const bytes = await this.#bytesOf(tenant, key, stored);
        const expires = stored.expireTimeMicros;
        used += bytes;
        if (!this.#isIdle(tenant, key, stored)) continue;
        candidates.push({ tenant, key, bytes, expires, lastRead: expires - BigInt(stored.ttlSeconds) * 1_000_000n });
      }
    }
    return { used, candidates: candidates.toSorted((a, b) => Number(a.lastRead - b.lastRead)) };
  }

  /** Some of those for whom snapshots of the tenant's streams stay. */
  async #holders(tenant: TenantId): Promise<string[]> {
    const { store } = this.#options;
    const holders = new Set<string>();
    for await (const { key, stored } of snapshotsByKey(store, tenant)) {
      if (stored.ttlSeconds === 0 || !stored.held) continue;
      for (const holder of await holdersOf(store, tenant, key)) holders.add(holder);
      if (holders.size >= NAMED_HOLDERS) break;
    }
    return [...holders].slice(0, NAMED_HOLDERS);
  }

  /** What its committed blocks hold: the statistics of a build are ahead of them. */
  async #bytesOf(tenant: TenantId, key: Uint8Array, { snapshot }: StoredSnapshot): Promise<number> {
    const sealed = snapshot?.state === Snapshot_State.STATE_SEALED;
    const of = sealed ? snapshot : await storedBlocks.last(this.#options.store, tenant, key);
    return Number(of?.statistics?.lineBytes ?? 0n);
  }

  /** Nobody holds it, reads it or builds it. */
  #isIdle(tenant: TenantId, key: Uint8Array, stored: StoredSnapshot): boolean {
    const { builds, uses } = this.#options;
    const building = stored.snapshot?.state === Snapshot_State.STATE_BUILDING && !builds.canTake(stored);
    return !stored.held && !building && builds.running(tenant, key) === undefined && uses.count(tenant, key) === 0;
  }
}

function spaceExhausted(actual: number, maximum: number, holders: readonly string[]): ServiceError {
  const names = holders.join(", ");
  const held =
    names === ""
      ? ""
      : ` Some are held: ${names}; close runs that are over (loraloop run close), delete versions of adapters.`;
  return new ServiceError(
    "LIMIT_EXCEEDED",
    `The snapshots of streams that are read now or held take ${actual} bytes; the limit stream_snapshots_gib is ${maximum} bytes.${held} Ask again when other streams have ended, or raise it.`,
    { limit: "stream_snapshots_gib", maximum: String(maximum), actual: String(actual), holders: names },
    { retryAfterSeconds: 30 },
  );
}
