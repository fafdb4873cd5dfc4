import { MAX_PAGE_BYTES } from "../limits.ts";
import { afterKey } from "../range.ts";
import type { Entry, Key, KeyRange, Page, TenantId } from "../store.ts";
import type { Database } from "./database.ts";
import { afterVersions, dataPrefix, isDeleted, keyOf, prefixOf, revisionOf, sameKey, versionBound } from "./keys.ts";

/** How much one step reads: what its thread may be blocked for. */
export interface StepSize {
  readonly rows: number;
  readonly bytes: number;
}

/** One page at a revision. */
export interface Scan {
  readonly database: Database;
  readonly tenant: TenantId;
  readonly range: KeyRange;
  readonly at: number;
  readonly limit: number;
  readonly step: StepSize;
}

/** A read in steps: whoever runs it decides whether others get a turn in between. */
export type Steps<Result> = Generator<void, Result>;

export function newestVersion(database: Database, tenant: TenantId, key: Key, at: number): Entry | undefined {
  const row = lookUp(database, dataPrefix(tenant, key), at);
  return row && entryOf(row);
}

export function* scanForward({ database, tenant, range, at, limit, step }: Scan): Steps<Page> {
  const page = new PageEntries(limit);
  const newest = new NewestFirst(page, at);
  const lt = dataPrefix(tenant, range.end);
  let gte = dataPrefix(tenant, range.start);
  for (;;) {
    const { rows, finished } = database.scan({ gte, lt, ...page.nextStep(step) });
    if (!newest.addAll(rows)) return page.cut(afterKey);
    if (finished) return page.whole();
    gte = newest.goOn(rows.at(-2) as Buffer);
    yield;
  }
}

/** Forwards, a key's versions come newest first: the first one at or before the revision settles the key. */
class NewestFirst {
  readonly #page: PageEntries;
  readonly #at: number;
  #settled: Buffer | undefined;

  constructor(page: PageEntries, at: number) {
    this.#page = page;
    this.#at = at;
  }

  /** False once the page is complete and more follows. */
  addAll(rows: readonly Buffer[]): boolean {
    for (let index = 0; index < rows.length; index += 2) {
      const version = rows[index] as Buffer;
      if (this.#settled && sameKey(this.#settled, version)) continue;
      if (this.#page.full) return false;
      if (revisionOf(version) > this.#at) continue;
      this.#settled = version;
      if (!this.#page.add(live(version, rows[index + 1]))) return false;
    }
    return true;
  }

  /** Where the next step begins: it skips the rest of a key's versions, which may be many. */
  goOn(last: Buffer): Buffer {
    const prefix = prefixOf(last);
    return this.#settled && sameKey(this.#settled, last) ? afterVersions(prefix) : versionBound(prefix, this.#at);
  }
}

export function* scanBackward({ database, tenant, range, at, limit, step }: Scan): Steps<Page> {
  const page = new PageEntries(limit);
  const gte = dataPrefix(tenant, range.start);
  let lt = dataPrefix(tenant, range.end);
  for (;;) {
    const { rows, finished } = database.scan({ gte, lt, reverse: true, ...page.nextStep(step) });
    for (const group of groupsByKey(rows)) {
      if (page.full) return page.cut(sameBound);
      // The last group may go on in the next step, so it is looked up.
      const cut = !finished && group.end === rows.length;
      const row = cut ? lookUp(database, prefixOf(group.version), at) : newestInGroup(rows, group, at);
      if (!page.add(row)) return page.cut(sameBound);
    }
    if (finished) return page.whole();
    lt = prefixOf(rows.at(-2) as Buffer);
    yield;
  }
}

interface Group {
  readonly version: Buffer;
  readonly start: number;
  readonly end: number;
}

interface Row {
  readonly version: Buffer;
  readonly value: Buffer;
}

/** Runs of rows with the same key, as indexes into the rows. */
function* groupsByKey(rows: readonly Buffer[]): Generator<Group> {
  for (let start = 0, end = 0; start < rows.length; start = end) {
    const version = rows[start] as Buffer;
    while (end < rows.length && sameKey(version, rows[end] as Buffer)) end += 2;
    yield { version, start, end };
  }
}

/** Backwards, a key's versions come oldest first. */
function newestInGroup(rows: readonly Buffer[], { start, end }: Group, at: number): Row | undefined {
  for (let index = end - 2; index >= start; index -= 2) {
    const version = rows[index] as Buffer;
    if (revisionOf(version) <= at) return live(version, rows[index + 1]);
  }
  return undefined;
}

function lookUp(database: Database, prefix: Buffer, at: number): Row | undefined {
  const [version, value] = database.first(versionBound(prefix, at), afterVersions(prefix));
  return version && live(version, value);
}

function live(version: Buffer, value: Buffer | undefined): Row | undefined {
  return value && !isDeleted(version) ? { version, value } : undefined;
}

function sameBound(key: Key): Key {
  return key;
}

function entryOf({ version, value }: Row): Entry {
  return { key: keyOf(version), value, revision: BigInt(revisionOf(version)) };
}

/** Collects a page and knows when it is full. */
class PageEntries {
  readonly #entries: Entry[] = [];
  readonly #limit: number;
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#entries.length === this.#limit;
  }

  /** As many rows as are missing, and one more to see whether something follows. */
  nextStep(step: StepSize): { limit: number; bytes: number } {
    return { limit: Math.min(step.rows, this.#limit - this.#entries.length + 1), bytes: step.bytes };
  }

  /** False where the row, if there is one, belongs on the next page. */
  add(row: Row | undefined): boolean {
    if (!row) return true;
    const entry = entryOf(row);
    const bytes = this.#bytes + entry.key.length + entry.value.length;
    if (this.#entries.length > 0 && bytes > MAX_PAGE_BYTES) return false;
    this.#entries.push(entry);
    this.#bytes = bytes;
    return true;
  }

  whole(): Page {
    return { entries: this.#entries };
  }

  cut(bound: (last: Key) => Key): Page {
    const last = this.#entries.at(-1);
    return last ? { entries: this.#entries, next: bound(last.key) } : this.whole();
  }
}
