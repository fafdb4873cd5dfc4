import { readSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Snapshot_State, type Statistics } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import type { StoredBlock, StoredSnapshot } from "../../../proto/gen/loraloop/storage/v1/snapshot.ts";
import { Notifier } from "../../kit/notifier.ts";
import type { Store, TenantId } from "../../store/store.ts";
import type { BlockCache, BlockPages } from "./blocks/block-cache.ts";
import type { BlockFiles } from "./blocks/block-files.ts";
import { pagesOf } from "./blocks/page.ts";
import { storedBlocks } from "./blocks/stored-blocks.ts";
import type { VerifiedPages } from "./blocks/verified-pages.ts";
import type { Build } from "./build/build.ts";
import type { Builds } from "./build/builds.ts";
import { isRemoved } from "./expiry.ts";
import { blockMissing, buildInterrupted, contentDamaged, snapshotExpired, snapshotFailed } from "./snapshot-errors.ts";
import { hexOf } from "./snapshot-key.ts";
import { getSnapshot } from "./stored-snapshots.ts";

export interface SnapshotReaderOptions {
  readonly store: Store;
  readonly builds: Builds;
  readonly files: BlockFiles;
  readonly cache: BlockCache;
  readonly verified: VerifiedPages;
}

/** How long a wait looks away where another process builds. */
const FOLLOW_MILLIS = 250;
/** How long to wait for a block's new name. */
const RENAME_MILLIS = 50;

/** Reads one snapshot for one stream, while it is built and after. Holds one open file and no bytes. */
export class SnapshotReader implements AsyncDisposable {
  readonly #options: SnapshotReaderOptions;
  readonly #tenant: TenantId;
  readonly #key: Uint8Array;
  readonly #name: string;
  #build: Build | undefined;
  #file: { readonly firstSample: number; readonly handle: FileHandle } | undefined;

  constructor(options: SnapshotReaderOptions, tenant: TenantId, key: Uint8Array) {
    this.#options = options;
    this.#tenant = tenant;
    this.#key = key;
    this.#name = `${tenant}/${hexOf(key)}`;
  }

  /** The block that holds the sample; undefined where it is not built yet, or does not exist. */
  async blockOf(sample: number): Promise<BlockPages | undefined> {
    const { builds, cache } = this.#options;
    this.#build ??= builds.running(this.#tenant, this.#key);
    const live = this.#build?.live.at(sample);
    if (live !== undefined) return { ...live, digest: undefined };
    if (this.isBuilding && this.#build?.live.isBeyond(sample)) return undefined;
    return cache.find(this.#name, sample) ?? this.#load(sample);
  }

  /** Whether this process builds it: then its end cannot be known yet. */
  get isBuilding(): boolean {
    return this.#build?.isRunning ?? false;
  }

  /** What is stored now. Throws SNAPSHOT_EXPIRED, and why the snapshot will not come: TOO_MANY_ERRORS, SNAPSHOT_FAILED, SNAPSHOT_BUILDING. */
  async state(): Promise<StoredSnapshot> {
    const failure = this.#build?.failure;
    const stored = await getSnapshot(this.#options.store, this.#tenant, this.#key);
    if (stored?.snapshot === undefined || isRemoved(stored)) throw snapshotExpired(this.#key);
    if (stored.snapshot.state === Snapshot_State.STATE_FAILED) throw snapshotFailed(this.#key, stored);
    if (failure !== undefined && stored.snapshot.state === Snapshot_State.STATE_BUILDING) {
      throw buildInterrupted(this.#key, failure);
    }
    return stored;
  }

  /** Live statistics of a build of this process. */
  get statistics(): Statistics | undefined {
    return this.#build?.statistics;
  }

  /** Resolves when there may be more, after so many milliseconds, or when aborted. */
  async wait(millis: number, signal: AbortSignal): Promise<void> {
    this.#build ??= await this.#options.builds.take(this.#tenant, this.#key);
    if (this.#build !== undefined) await this.#build.changed.wait(millis, signal);
    else await new Notifier().wait(Math.min(millis, FOLLOW_MILLIS), signal);
  }

  /**
   * Fills `target` with bytes of verified pages, from `offset` of the block on. The page cache nearly always has them, and gives them in less time than it takes to hand the
   * read to Node's thread pool; where it let them go, the thread waits for a frame's bytes from the disk. Throws CONTENT_DAMAGED.
   */
  async read(block: BlockPages, offset: number, target: Uint8Array<ArrayBuffer>): Promise<void> {
    const { fd } = await this.#open(block);
    const bytesRead = readSync(fd, target, 0, target.length, offset);
    if (bytesRead !== target.length) throw contentDamaged(this.#key, block.firstSample);
  }

  /** Checks stored pages that this process has not checked yet; waits for the disk in Node's thread pool. Throws CONTENT_DAMAGED. */
  async verify(block: BlockPages, firstPage: number, endPage: number): Promise<void> {
    const { verified } = this.#options;
    for (let place = firstPage; place < endPage; place += 1) {
      if (verified.isVerified(block, place)) continue;
      const { offset, lineBytes, firstSample } = block.pages[place] as BlockPages["pages"][number];
      const bytes = new Uint8Array(lineBytes);
      const handle = await this.#open(block);
      const { bytesRead } = await handle.read(bytes, 0, lineBytes, offset);
      const isRight = bytesRead === lineBytes && (await verified.verify(block, place, bytes));
      if (!isRight) throw contentDamaged(this.#key, firstSample);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  async #load(sample: number): Promise<BlockPages | undefined> {
    const { store, cache, files } = this.#options;
    const stored = await storedBlocks.at(store, this.#tenant, this.#key, sample);
    if (stored === undefined) return undefined;
    const block: BlockPages = {
      firstSample: Number(stored.firstSample),
      path: files.path(this.#tenant, stored.digest),
      pages: pagesOf(stored),
      digest: hexOf(stored.digest),
    };
    const last = block.pages.at(-1);
    if (last === undefined || sample >= last.firstSample + last.count) return undefined;
    cache.add(this.#name, block, memoryOf(stored));
    return block;
  }

  async #open(block: BlockPages): Promise<FileHandle> {
    if (this.#file?.firstSample === block.firstSample) return this.#file.handle;
    await this[Symbol.asyncDispose]();
    const handle = await this.#openFile(block);
    this.#file = { firstSample: block.firstSample, handle };
    return handle;
  }

  /** A block that is being finished changes its name; it is looked up again then. Throws SNAPSHOT_EXPIRED where the snapshot was removed. */
  async #openFile(block: BlockPages, attemptsLeft = 20): Promise<FileHandle> {
    try {
      return await open(block.path, "r");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      await this.state();
      if (block.digest !== undefined || attemptsLeft === 0) {
        throw blockMissing(this.#key, block.firstSample, error as Error);
      }
      await this.#build?.changed.wait(RENAME_MILLIS, new AbortController().signal);
      return this.#openFile((await this.blockOf(block.firstSample)) ?? block, attemptsLeft - 1);
    }
  }
}

/** The bytes that a decoded block keeps alive. */
function memoryOf({ ids, lineLengths, weightsMicros, contentHashes, keptBits, pages }: StoredBlock): number {
  const columns = [ids, lineLengths, weightsMicros, contentHashes, keptBits];
  return columns.reduce((sum, { length }) => sum + length, 0) + pages.length * 400;
}
