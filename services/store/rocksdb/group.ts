import type { Batch } from "@nxtedition/rocksdb";
import { checkExpectation, checkReadable } from "../checks.ts";
import { type Expectation, type Head, type Key, type Revision, StoreError, type TenantId } from "../store.ts";
import { encodeChange } from "./changes.ts";
import type { Database } from "./database.ts";
import { storeError } from "./errors.ts";
import { encodeNumbers, readFloor, readHead, readPins, readWriteCount } from "./facts.ts";
import type { HeadFile } from "./head-file.ts";
import { changeKey, dataPrefix, floorKey, headKey, pinKey, timeKey, versionKey, writeCountKey } from "./keys.ts";
import { type Answer, type CommitJob, type JobResult, plainError, type Request, type WriteJob } from "./messages.ts";
import { expectationsOf, mutationsOf, type PackedCommit } from "./packed-commit.ts";
import { newestVersion } from "./scan.ts";
import type { Sweeper } from "./sweeper.ts";

/** Keys whose last writes are remembered: some 200 bytes each. */
const MOST_REVISIONS = 4_096;

/** Writes groups of jobs, each with one fsync of the database and one of the `HEAD` file. */
export class Group {
  readonly #database: Database;
  readonly #headFile: HeadFile;
  readonly #sweeper: Sweeper;
  readonly #batch: Batch;
  readonly #heads = new Map<TenantId, Head>();
  /** Heads and last writes of expected keys, as they will be once this group is written. */
  readonly #staged = { heads: new Map<TenantId, Head>(), revisions: new Map<string, Revision>() };
  /** Last writes of keys that were expected before, the latest at the end: many commits expect the same ones. */
  readonly #revisions = new Map<string, Revision>();
  #writes: bigint;
  #failed: StoreError | undefined;

  constructor(database: Database, headFile: HeadFile, sweeper: Sweeper) {
    this.#database = database;
    this.#headFile = headFile;
    this.#sweeper = sweeper;
    this.#batch = database.batch();
    this.#writes = readWriteCount(database) ?? 0n;
  }

  /** A job that is refused leaves the others alone; when the disk fails, all of them fail and nothing is applied. */
  settle(requests: readonly Request<WriteJob>[]): Answer[] {
    try {
      if (this.#failed) throw this.#failed;
      this.#stageExpectations(requests);
      const answers = requests.map((request) => this.#answer(request));
      const passed = answers.filter((answer) => "result" in answer).length;
      if (passed > 0) this.#write(BigInt(passed));
      return answers;
    } catch (error) {
      const failure = plainError(storeError(error, "write"));
      return requests.map(({ id }) => ({ id, error: failure }));
    } finally {
      this.#batch._clear();
      this.#staged.heads.clear();
      this.#staged.revisions.clear();
    }
  }

  #answer({ id, job }: Request<WriteJob>): Answer {
    try {
      return { id, result: this.#apply(job) };
    } catch (error) {
      if (error instanceof StoreError) return { id, error: plainError(error) };
      throw error;
    }
  }

  #apply(job: WriteJob): JobResult {
    switch (job.kind) {
      case "commit":
        return this.#commit(job);
      case "pin":
        checkReadable(job.revision, readFloor(this.#database, job.tenant), this.#head(job.tenant).revision);
        this.#batch._put(pinKey(job.tenant, job.id), encodeNumbers(job.revision, job.expires));
        return undefined;
      case "unpin":
        this.#batch._del(pinKey(job.tenant, job.id));
        return undefined;
      case "compact":
        return this.#raiseFloor(job.tenant, job.before, job.now);
      default:
        return job satisfies never;
    }
  }

  #commit({ tenant, now, packed }: CommitJob): Head {
    for (const expectation of expectationsOf(packed)) {
      checkExpectation(expectation, this.#staged.revisions.get(stagedKey(tenant, expectation.key)) ?? 0n);
    }
    const last = this.#head(tenant);
    const head = { revision: last.revision + 1n, time: now > last.time ? now : last.time + 1n };
    this.#put(tenant, Number(head.revision), packed);
    this.#batch._put(headKey(tenant), encodeNumbers(head.revision, head.time));
    this.#batch._put(timeKey(tenant, Number(head.revision)), encodeNumbers(head.time));
    this.#staged.heads.set(tenant, head);
    return head;
  }

  #put(tenant: TenantId, revision: number, packed: PackedCommit): void {
    let ordinal = 0;
    for (const { key, value } of mutationsOf(packed)) {
      const deleted = value === undefined;
      this.#batch._put(versionKey(dataPrefix(tenant, key), revision, deleted), value ?? nothing);
      this.#batch._put(changeKey(tenant, revision, ordinal++), encodeChange(key, deleted));
      this.#stageWrite(tenant, key, deleted ? 0 : revision);
    }
  }

  #stageExpectations(requests: readonly Request<WriteJob>[]): void {
    for (const { job } of requests) {
      if (job.kind !== "commit") continue;
      for (const expectation of expectationsOf(job.packed)) this.#stage(job.tenant, expectation);
    }
  }

  #stage(tenant: TenantId, { key }: Expectation): void {
    const staged = stagedKey(tenant, key);
    this.#staged.revisions.set(staged, this.#revisions.get(staged) ?? this.#readRevision(tenant, key));
  }

  #readRevision(tenant: TenantId, key: Key): Revision {
    const at = Number(this.#head(tenant).revision);
    return newestVersion(this.#database, tenant, key, at)?.revision ?? 0n;
  }

  #stageWrite(tenant: TenantId, key: Key, revision: number): void {
    const { revisions } = this.#staged;
    if (revisions.size === 0 && this.#revisions.size === 0) return;
    const staged = stagedKey(tenant, key);
    if (revisions.has(staged) || this.#revisions.has(staged)) revisions.set(staged, BigInt(revision));
  }

  #head(tenant: TenantId): Head {
    return this.#staged.heads.get(tenant) ?? this.#heads.get(tenant) ?? readHead(this.#database, tenant);
  }

  /** Up to the oldest live pin; pins past their end are forgotten. */
  #raiseFloor(tenant: TenantId, before: Revision, now: bigint): Revision {
    checkReadable(before, 0n, this.#head(tenant).revision);
    let floor = before;
    for (const { id, revision, expires } of readPins(this.#database, tenant)) {
      if (expires <= now) this.#batch._del(pinKey(tenant, id));
      else if (revision < floor) floor = revision;
    }
    const current = readFloor(this.#database, tenant);
    if (floor <= current) return current;
    this.#batch._put(floorKey(tenant), encodeNumbers(floor));
    this.#sweeper.add(tenant);
    return floor;
  }

  #write(count: bigint): void {
    const writes = this.#writes + count;
    this.#batch._put(writeCountKey, encodeNumbers(writes));
    this.#batch._writeSync({ sync: true });
    this.#acknowledge(writes);
    this.#writes = writes;
    for (const [tenant, head] of this.#staged.heads) this.#heads.set(tenant, head);
    this.#remember();
  }

  #remember(): void {
    for (const [key, revision] of this.#staged.revisions) {
      this.#revisions.delete(key);
      this.#revisions.set(key, revision);
    }
    for (const key of this.#revisions.keys()) {
      if (this.#revisions.size <= MOST_REVISIONS) return;
      this.#revisions.delete(key);
    }
  }

  /** After a failure here the database holds what nobody was told of: only opening it again can settle that. */
  #acknowledge(writes: bigint): void {
    try {
      this.#headFile.write(writes);
    } catch (error) {
      this.#failed = storeError(error, "write");
      throw error;
    }
  }
}

const nothing = Buffer.alloc(0);

function stagedKey(tenant: TenantId, key: Key): string {
  return `${tenant} ${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1")}`;
}
