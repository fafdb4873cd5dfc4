import {
  MAX_CHANGES,
  MAX_COMMIT_BYTES,
  MAX_KEY_BYTES,
  MAX_PAGE_ENTRIES,
  MAX_PIN_ID_BYTES,
  MAX_VALUE_BYTES,
} from "./limits.ts";
import { type Expectation, type Key, type KeyRange, type Mutation, type Revision, StoreError } from "./store.ts";

/** What every adapter checks in the same way, with the same words. */

export function checkTenant(tenant: number): void {
  if (!Number.isSafeInteger(tenant) || tenant < 0) {
    throw invalid(`Tenant ${tenant} is not an integer from 0.`);
  }
}

export function checkKey(key: Key): void {
  if (key.length === 0 || key.length > MAX_KEY_BYTES) {
    throw invalid(`A key has 1 to ${MAX_KEY_BYTES} bytes; this one has ${key.length}.`);
  }
}

/** Bounds may be empty, and one byte longer than a key, so that every set of keys has its range. */
export function checkRange(range: KeyRange): void {
  const longest = Math.max(range.start.length, range.end.length);
  if (longest > MAX_KEY_BYTES + 1) {
    throw invalid(`A bound of a key range has at most ${MAX_KEY_BYTES + 1} bytes; this one has ${longest}.`);
  }
}

/** Returns the bytes of all keys and values. */
export function checkCommit(mutations: readonly Mutation[], expectations: readonly Expectation[]): number {
  if (mutations.length === 0) throw invalid("A commit needs at least one mutation.");
  for (const { key } of expectations) checkKey(key);
  checkDistinctKeys(mutations);
  return checkCommitBytes(mutations);
}

export function mutationKey(mutation: Mutation): Key {
  return "put" in mutation ? mutation.put : mutation.delete;
}

function checkDistinctKeys(mutations: readonly Mutation[]): void {
  const seen = new Set<string>();
  for (const mutation of mutations) {
    const key = mutationKey(mutation);
    checkKey(key);
    const text = keyText(key);
    if (seen.has(text)) throw invalid(`Key ${text} occurs twice in one commit.`, { key: text });
    seen.add(text);
  }
}

function checkCommitBytes(mutations: readonly Mutation[]): number {
  let total = 0;
  let largest = 0;
  for (const mutation of mutations) {
    const valueBytes = "put" in mutation ? mutation.value.length : 0;
    if (valueBytes > MAX_VALUE_BYTES) throw exhausted("A value", MAX_VALUE_BYTES, valueBytes);
    largest = Math.max(largest, valueBytes);
    total += mutationKey(mutation).length + valueBytes;
  }
  if (total - largest > MAX_COMMIT_BYTES) {
    throw exhausted("A commit without its largest value", MAX_COMMIT_BYTES, total - largest);
  }
  return total;
}

/** The entries of one page. */
export function pageLimit(limit: number | undefined): number {
  return checkLimit(limit, MAX_PAGE_ENTRIES);
}

/** The changes of one page. */
export function changesLimit(limit: number | undefined): number {
  return checkLimit(limit, MAX_CHANGES);
}

function checkLimit(limit: number | undefined, maximum: number): number {
  if (limit === undefined) return maximum;
  if (!Number.isInteger(limit) || limit < 1 || limit > maximum) {
    throw invalid(`A limit is an integer from 1 to ${maximum}, not ${limit}.`);
  }
  return limit;
}

export function checkPin(id: string, ttlSeconds: number): void {
  const bytes = Buffer.byteLength(id);
  if (bytes === 0 || bytes > MAX_PIN_ID_BYTES || !id.isWellFormed() || id.includes("\0")) {
    throw invalid(`A pin's id is well-formed text of 1 to ${MAX_PIN_ID_BYTES} bytes without NUL.`);
  }
  if (!(ttlSeconds > 0) || !Number.isSafeInteger(Math.round(ttlSeconds * 1e6))) {
    throw invalid(`A pin's time to live is a positive number of seconds, not ${ttlSeconds}.`);
  }
}

/** Rejects what lies outside the history that can be read: `floor` ≤ revision ≤ `head`. */
export function checkReadable(revision: Revision, floor: Revision, head: Revision): void {
  if (revision < floor) {
    throw new StoreError("OUT_OF_RANGE", `Revision ${revision} is compacted; the oldest revision is ${floor}.`, {
      revision: String(revision),
      oldestRevision: String(floor),
    });
  }
  if (revision > head) {
    throw new StoreError("OUT_OF_RANGE", `Revision ${revision} does not exist yet; the newest revision is ${head}.`, {
      revision: String(revision),
      newestRevision: String(head),
    });
  }
}

/** `actual` is the revision of the key's last write; 0 when it is absent or deleted. */
export function checkExpectation(expectation: Expectation, actual: Revision): void {
  if (expectation.revision === actual) return;
  const key = keyText(expectation.key);
  throw new StoreError("ABORTED", `Key ${key} is at revision ${actual}, not at ${expectation.revision} as expected.`, {
    key,
    expectedRevision: String(expectation.revision),
    actualRevision: String(actual),
  });
}

export function storeClosed(): StoreError {
  return new StoreError("UNAVAILABLE", "The store is closed.");
}

/** How errors write a key: lowercase hex. */
export function keyText(key: Key): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("hex");
}

function invalid(message: string, details?: Record<string, string>): StoreError {
  return new StoreError("INVALID_ARGUMENT", message, details);
}

function exhausted(what: string, maximum: number, actual: number): StoreError {
  return new StoreError("RESOURCE_EXHAUSTED", `${what} has at most ${maximum} bytes; this one has ${actual}.`, {
    limit: String(maximum),
    actual: String(actual),
  });
}
