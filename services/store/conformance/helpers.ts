import { expect } from "vitest";
import { prefixRange } from "../range.ts";
import {
  type Change,
  type Entry,
  type KeyRange,
  type Mutation,
  type Revision,
  type ScanOptions,
  type Store,
  StoreError,
  type StoreErrorCode,
  type StoreReader,
  type TenantId,
} from "../store.ts";

export const everything: KeyRange = prefixRange(new Uint8Array());

/** Keys and values of the tests are text, one character a byte. */
export function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString("latin1");
}

export function put(key: string, value = key): Mutation {
  return { put: bytes(key), value: bytes(value) };
}

export function remove(key: string): Mutation {
  return { delete: bytes(key) };
}

export function range(start: string, end: string): KeyRange {
  return { start: bytes(start), end: bytes(end) };
}

/** `key=value@revision`, so that a failing test shows all that matters. */
export function show(entry: Entry): string {
  return `${text(entry.key)}=${text(entry.value)}@${entry.revision}`;
}

export function showChange({ revision, ordinal, key, deleted }: Change): string {
  return `${revision}.${ordinal} ${deleted ? "-" : "+"}${text(key)}`;
}

export async function keys(reader: StoreReader, tenant: TenantId, options?: ScanOptions): Promise<string[]> {
  const entries = await scanAll(reader, tenant, everything, options);
  return entries.map(({ key }) => text(key));
}

/** Every page, one after the other. */
export async function scanAll(
  reader: StoreReader,
  tenant: TenantId,
  whole: KeyRange,
  options: ScanOptions = {},
): Promise<Entry[]> {
  const found: Entry[] = [];
  let rest: KeyRange | undefined = whole;
  while (rest) {
    const page = await reader.scan(tenant, rest, options);
    found.push(...page.entries);
    rest = page.next && (options.reverse ? { start: rest.start, end: page.next } : { start: page.next, end: rest.end });
  }
  return found;
}

/** Every change after a revision, page by page; checks that each page moves on and holds whole commits. */
export async function changesAll(store: Store, tenant: TenantId, after: Revision, limit?: number): Promise<Change[]> {
  const { revision: head } = await store.head(tenant);
  const found: Change[] = [];
  for (let from = after; from < head; ) {
    const page = await store.changes(tenant, from, limit);
    expect(page.through).toBeGreaterThan(from);
    expect(page.changes[0]?.revision).toBe(from + 1n);
    expect(page.changes.at(-1)?.revision).toBe(page.through);
    found.push(...page.changes);
    from = page.through;
  }
  return found;
}

export async function rejection(promise: Promise<unknown>, code: StoreErrorCode): Promise<StoreError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  const rejected = error as StoreError;
  expect(`${rejected.code}: ${rejected.message}`).toMatch(new RegExp(`^${code}: `));
  return rejected;
}
