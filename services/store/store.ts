/**
 * The storage port: a small, ordered, revisioned key-value store.
 *
 * Every tenant has its own keys, its own head and its own revisions. One commit is one revision;
 * a view of the past is nothing but a revision, so it costs nothing and needs no open iterator.
 * An adapter is done when `conformance/` passes.
 */

import type { MessagePort } from "node:worker_threads";

/** A tenant's internal number. 0 belongs to the system (tokens, tenants). */
export type TenantId = number;

/** Bytes of 1 to 1,024. Compared as unsigned bytes, shorter first on a common prefix. */
export type Key = Uint8Array;

/** A tenant's commit number: 1 for its first commit, then +1 for each. 0 is the empty tenant. */
export type Revision = bigint;

/** Microseconds since 1970-01-01 UTC. */
export type Micros = bigint;

/** Half-open: `start` ≤ key < `end`. A bound may be empty, and one byte longer than a key. */
export interface KeyRange {
  readonly start: Key;
  readonly end: Key;
}

export interface Entry {
  readonly key: Key;
  readonly value: Uint8Array;
  /** The commit that wrote this value. */
  readonly revision: Revision;
}

export interface Page {
  /** The caller's own. */
  readonly entries: Entry[];
  /** Start of the next page; absent on the last one. Set even where the next page may turn out empty. */
  readonly next?: Key;
}

export interface ScanOptions {
  /** Reads as of this revision; the head when absent. */
  readonly at?: Revision;
  /** At most this many entries; 1,000 by default and at most. A page also ends at 4 MiB of keys and values, but holds at least one entry. */
  readonly limit?: number;
  /** Newest key first: the page begins below `range.end`, and `next` is the exclusive `end` of the next page. */
  readonly reverse?: boolean;
}

export type Mutation = { readonly put: Key; readonly value: Uint8Array } | { readonly delete: Key };

/** What must hold at the moment of the commit: the key's last write is exactly this revision; 0 = the key is absent (never written, or deleted). */
export interface Expectation {
  readonly key: Key;
  readonly revision: Revision;
}

export interface Head {
  /** 0 before the first commit. */
  readonly revision: Revision;
  /** Commit time: max(previous + 1 µs, clock). 0 before the first commit. */
  readonly time: Micros;
}

export interface Change {
  readonly revision: Revision;
  /** The key's place in its commit, in the order of the mutations. */
  readonly ordinal: number;
  readonly key: Key;
  readonly deleted: boolean;
}

export interface ChangePage {
  /** Ordered by (revision, ordinal); whole commits only. */
  readonly changes: readonly Change[];
  /** Everything up to and including this revision has been returned. Equals the head when nothing is left. */
  readonly through: Revision;
}

export interface Pin {
  readonly id: string;
  readonly revision: Revision;
  /** Time of its end by the store's clock. */
  readonly expires: Micros;
}

export interface StoreIdentity {
  /** Random, made with the store: 32 lowercase hex digits. */
  readonly storeId: string;
  /** New after every restore: 32 lowercase hex digits. */
  readonly incarnation: string;
}

/** What a worker thread may do: read. */
export interface StoreReader {
  /** The newest write of `key` at the revision, or undefined where there is none or it is a delete. */
  get(tenant: TenantId, key: Key, at?: Revision): Promise<Entry | undefined>;
  /**
   * One page in key order. Later commits never change what a fixed `at` returns.
   * Rejects with OutOfRange below the floor or above the head, InvalidArgument for a bad limit.
   */
  scan(tenant: TenantId, range: KeyRange, options?: ScanOptions): Promise<Page>;
  close(): Promise<void>;
}

/**
 * How a worker thread of this process opens a reader: structured-cloneable, given to `openReader`.
 * Close all readers before the store. A share is for one reader; ask for another for a second one.
 */
export type StoreShare =
  | { readonly kind: "memory"; readonly port: MessagePort }
  | { readonly kind: "rocksdb"; readonly handle: bigint | number; readonly location: string }
  | { readonly kind: "postgres"; readonly url: string; readonly schema: string };

/** What is moved to the worker thread along with a share: its `transferList`. */
export function transferListOf(share: StoreShare): MessagePort[] {
  return share.kind === "memory" ? [share.port] : [];
}

export interface Store extends StoreReader {
  readonly identity: StoreIdentity;

  head(tenant: TenantId): Promise<Head>;

  /** Commit time of a revision; kept for ever, also below the floor. Rejects with OutOfRange above the head; 0 at revision 0. */
  timeOf(tenant: TenantId, revision: Revision): Promise<Micros>;

  /** Oldest revision that can still be read. Below it, reads reject with OutOfRange, which names it. */
  floor(tenant: TenantId): Promise<Revision>;

  /**
   * Applies all mutations or none, as the tenant's next revision, and resolves once they are on disk (fsync).
   * A key may occur once. An empty commit is InvalidArgument; over 8 MiB + one value of ≤ 16 MiB is ResourceExhausted.
   * Rejects with Aborted (naming the key) when an expectation fails; commits that share an fsync with it are not hurt.
   * Commits are ordered as they were called. Rejects with Unavailable once the disk failed or is full; then nothing of it is visible.
   */
  commit(tenant: TenantId, mutations: readonly Mutation[], expectations?: readonly Expectation[]): Promise<Head>;

  /** Gap-free changes after a revision, at most about `limit` (default and maximum 1,000) but never half a commit. Rejects with OutOfRange when compacted or above the head. */
  changes(tenant: TenantId, after: Revision, limit?: number): Promise<ChangePage>;

  /** Holds back compaction of what is visible at the revision. Durable. The same id again moves and renews it. Rejects with OutOfRange where the revision cannot be read. */
  pin(tenant: TenantId, id: string, revision: Revision, ttlSeconds: number): Promise<Pin>;
  /** Idempotent. */
  unpin(tenant: TenantId, id: string): Promise<void>;
  pins(tenant: TenantId): Promise<readonly Pin[]>;

  /**
   * Raises the floor to `before`, or to the oldest live pin below it, and frees what no readable revision sees. Returns the new floor, which never falls.
   * Rejects with OutOfRange above the head.
   * Reads at or above the floor are undisturbed while it runs. Retention (24 h) calls this by itself, see `compactor.ts`.
   */
  compact(tenant: TenantId, before: Revision): Promise<Revision>;

  /** For one new reader in a worker thread of this process. */
  share(): StoreShare;

  /** Bytes on disk or in memory, for `doctor` and metrics. */
  size(): Promise<number>;

  /** Waits for running commits, then releases everything. Idempotent. */
  close(): Promise<void>;
}

export interface Clock {
  /** Microseconds since 1970-01-01 UTC. */
  now(): Micros;
}

/** What an adapter throws, whatever its driver said. `services/kit/errors.ts` maps these onto gRPC. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  readonly code: StoreErrorCode;
  /** Names and values that the caller may see, e.g. `{ oldestRevision: "17" }` or `{ key: "…" }`. */
  readonly details: Readonly<Record<string, string>>;

  constructor(code: StoreErrorCode, message: string, details: Readonly<Record<string, string>> = {}, cause?: unknown) {
    super(message, { cause });
    this.code = code;
    this.details = details;
  }
}

export type StoreErrorCode =
  | "INVALID_ARGUMENT"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "RESOURCE_EXHAUSTED"
  /** The disk is full or failed, the server is away: try again later. */
  | "UNAVAILABLE"
  /** What is on disk is less than what was acknowledged, or damaged: the store does not open. */
  | "DATA_LOSS"
  /** Another process holds the store, or its format is newer than this program. */
  | "FAILED_PRECONDITION";
