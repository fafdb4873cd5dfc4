import type { Logger } from "pino";
import { Snapshot_State, Statistics } from "../../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredSnapshot } from "../../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { Notifier } from "../../../kit/notifier.ts";
import { toTimestamp } from "../../../kit/timestamp.ts";
import type { Clock, Mutation, Store, TenantId } from "../../../store/store.ts";
import { blockKey, blockUseKey } from "../../keys.ts";
import type { BlockFiles } from "../blocks/block-files.ts";
import type { VerifiedPages } from "../blocks/verified-pages.ts";
import { hexOf, snapshotPinId } from "../snapshot-key.ts";
import { withoutExamples } from "../statistics-view.ts";
import { changeSnapshot } from "../stored-snapshots.ts";
import type { StreamSpace } from "../stream-space.ts";
import { Assembly } from "./assembly.ts";
import type { BuiltBlock } from "./block-builder.ts";
import type { AssembleJob } from "./build-messages.ts";
import type { BuildThreads } from "./build-threads.ts";
import { failureOf } from "./failure.ts";
import { LEASE_SECONDS, withLease, withoutLease } from "./lease.ts";
import { LiveBlocks } from "./live-blocks.ts";
import type { RenderJob } from "./render-messages.ts";
import type { RenderPool } from "./render-pool.ts";

export interface BuildServices {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly files: BlockFiles;
  readonly pool: RenderPool;
  readonly threads: BuildThreads;
  readonly verified: VerifiedPages;
  /** Room for snapshots with a time to live. */
  readonly space: () => StreamSpace;
  /** Who holds the leases of this process. */
  readonly holder: string;
}

export interface BuildPlan {
  readonly assemble: AssembleJob;
  readonly render: RenderJob;
  /** True for a snapshot that is kept until it is deleted. */
  readonly kept: boolean;
}

/** Thrown inside a build that is no longer ours: stopped, deleted, or taken over by another process. */
class BuildStopped extends Error {}

/** One snapshot in the making: commits what the threads make, keeps the lease, seals. */
export class Build {
  /** What can be read and is not in the store yet. */
  readonly live: LiveBlocks;
  /** Told of every page, block and the end. */
  readonly changed: Notifier = new Notifier();
  /** Settles when nothing of the build runs any more; never rejects. */
  readonly ended: Promise<void>;
  readonly #services: BuildServices;
  readonly #plan: BuildPlan;
  readonly #assembly: Assembly;
  readonly #stopping = new AbortController();
  #statistics: Uint8Array | undefined;
  #failure: Error | undefined;
  #running = true;
  #blockCount = 0;

  constructor(services: BuildServices, plan: BuildPlan) {
    this.#services = services;
    this.#plan = plan;
    this.live = new LiveBlocks((firstSample) => this.#buildingPath(firstSample));
    this.#assembly = new Assembly(services.pool, plan.render, plan.assemble, {
      restored: (sampleCount, blockCount) => {
        this.#blockCount = blockCount;
        this.live.restored(sampleCount);
      },
      pages: (block, pages) => {
        this.live.add(block, pages);
        this.changed.notify();
      },
      block: (block) => this.#publish(block),
      statistics: (statistics) => {
        this.#statistics = statistics;
      },
    });
    this.ended = this.#run();
  }

  get tenant(): TenantId {
    return this.#plan.assemble.tenant;
  }

  /** Until it has sealed or failed. */
  get isRunning(): boolean {
    return this.#running;
  }

  /** Why it ended without sealing; undefined while it runs and after sealing. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Live statistics; undefined before the first chunk. */
  get statistics(): Statistics | undefined {
    return this.#statistics && Statistics.decode(this.#statistics);
  }

  /** Ends it as it is; another build can go on from the last committed block. */
  async stop(): Promise<void> {
    this.#end(new BuildStopped());
    await this.ended;
  }

  #end(error: BuildStopped): void {
    this.#stopping.abort();
    this.#assembly.stop(error);
  }

  async #run(): Promise<void> {
    const renewal = setInterval(() => this.#renewLease(), (LEASE_SECONDS * 1000) / 3).unref();
    try {
      await this.#runInThread();
    } catch (error) {
      await this.#fail(error as Error);
    } finally {
      clearInterval(renewal);
      this.#running = false;
      this.changed.notify();
    }
  }

  async #runInThread(): Promise<void> {
    const { threads, store } = this.#services;
    const thread = await threads.acquire(this.#stopping.signal);
    if (thread === undefined) throw new BuildStopped();
    try {
      const { digest, statistics } = await this.#assembly.run(thread, store);
      await this.#seal(digest, Statistics.decode(statistics));
    } finally {
      threads.release(thread);
    }
  }

  async #publish(block: BuiltBlock): Promise<void> {
    const { files } = this.#services;
    const path = files.path(this.tenant, block.digest);
    if (!this.#plan.kept) await this.#services.space().take(this.tenant, block.lineBytes, this.#stopping.signal);
    try {
      await files.publish(this.#buildingPath(block.firstSample), path, () => this.#commitBlock(block));
    } catch (error) {
      if (error instanceof BuildStopped) await files.removeUnused(this.tenant, block.digest);
      throw error;
    }
    this.#blockCount += 1;
    this.#services.verified.trust(path, this.live.at(block.firstSample)?.pages ?? []);
    this.live.committed(block.firstSample);
    this.changed.notify();
  }

  #commitBlock(block: BuiltBlock): Promise<void> {
    const { snapshot } = this.#plan.assemble;
    const statistics = this.statistics;
    return this.#change(
      (stored) => withStatistics(stored, statistics && withoutExamples(statistics)),
      [
        { put: blockKey(snapshot, BigInt(block.firstSample)), value: block.index },
        { put: blockUseKey(block.digest, snapshot), value: new Uint8Array() },
      ],
    );
  }

  async #seal(digest: Uint8Array, statistics: Statistics): Promise<void> {
    const now = this.#services.clock.now();
    await this.#change((stored) =>
      withoutLease({
        ...stored,
        blockCount: this.#blockCount,
        expireTimeMicros: stored.ttlSeconds === 0 ? 0n : now + BigInt(stored.ttlSeconds) * 1_000_000n,
        snapshot: stored.snapshot && {
          ...stored.snapshot,
          state: Snapshot_State.STATE_SEALED,
          statistics,
          digest,
          sealTime: toTimestamp(now),
        },
      }),
    );
    await this.#unpin();
    await this.#services.files.removeBuilding(this.tenant, this.#plan.assemble.snapshot);
    const { sampleCount, durationMs } = statistics;
    this.#services.log.info({ snapshot: this.#name, sampleCount, durationMs }, "snapshot sealed");
  }

  /** What cannot succeed later either is stored; anything else leaves the snapshot to the next build. */
  async #fail(error: Error): Promise<void> {
    this.#failure = error;
    const failure = failureOf(error);
    try {
      await this.#change((stored) => {
        if (failure === undefined || stored.snapshot === undefined) return withoutLease(stored);
        const snapshot = { ...stored.snapshot, state: Snapshot_State.STATE_FAILED, failure: failure.message };
        return withoutLease({ ...stored, snapshot, failureReason: failure.reason });
      });
      if (failure !== undefined) await this.#unpin();
    } catch (second) {
      // The lease ends by itself.
      this.#services.log.debug({ snapshot: this.#name, err: second }, "a failed build could not be noted");
    }
    if (!(error instanceof BuildStopped)) this.#services.log.warn({ snapshot: this.#name, err: error }, "build failed");
  }

  #renewLease(): void {
    this.#change((stored) => stored).catch((error: Error) => {
      if (error instanceof BuildStopped) this.#end(error);
      else this.#services.log.warn({ snapshot: this.#name, err: error }, "a build's lease could not be renewed");
    });
  }

  /** Commits a change of the snapshot, as long as it is ours. */
  async #change(change: (stored: StoredSnapshot) => StoredSnapshot, more?: readonly Mutation[]): Promise<void> {
    const { store, clock, holder } = this.#services;
    const { tenant, snapshot } = this.#plan.assemble;
    const found = await changeSnapshot(
      store,
      tenant,
      snapshot,
      (stored) => {
        if (stored.leaseHolder !== holder) throw new BuildStopped("Another process builds this snapshot.");
        return change(withLease(stored, holder, clock.now()));
      },
      more,
    );
    if (found === undefined) throw new BuildStopped("The snapshot was deleted.");
  }

  async #unpin(): Promise<void> {
    const { tenant, snapshot } = this.#plan.assemble;
    await this.#services.store.unpin(tenant, snapshotPinId(snapshot));
  }

  #buildingPath(firstSample: number): string {
    return this.#services.files.buildingPath({ ...this.#plan.assemble, firstSample });
  }

  get #name(): string {
    return hexOf(this.#plan.assemble.snapshot);
  }
}

function withStatistics(stored: StoredSnapshot, statistics: Statistics | undefined): StoredSnapshot {
  return statistics === undefined || stored.snapshot === undefined
    ? stored
    : { ...stored, snapshot: { ...stored.snapshot, statistics } };
}
