import { mutationKey } from "../checks.ts";
import type { Entry, Key, Mutation, Revision, TenantId } from "../store.ts";

/** Memory for values, without what the map itself takes. */
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_ENTRIES = 4_096;
/** Larger values would push out too many others. */
const MAX_VALUE_BYTES = 16 * 1024;

/**
 * What the newest reads of single keys found, absence too, so that keys that every call reads cost no read of RocksDB. All commits go through the one
 * process that has the store open: what a commit writes counts from when it is acknowledged, which is when the head moves.
 */
export class NewestEntries {
  /** The first to go is the one that came or was written first: a key that many calls read is soon back. */
  readonly #entries = new Map<string, Entry | undefined>();
  #bytes = 0;

  /** The entry of a key, read by `read` where it is not known. */
  get(tenant: TenantId, key: Key, read: () => Entry | undefined): Entry | undefined {
    const name = nameOf(tenant, key);
    const known = this.#entries.get(name);
    if (known !== undefined || this.#entries.has(name)) return known;
    const entry = read();
    this.#keep(name, entry);
    return entry;
  }

  /** Of a commit that was acknowledged: keys that were known stay known. */
  written(tenant: TenantId, mutations: readonly Mutation[], revision: Revision): void {
    if (this.#entries.size === 0) return;
    for (const mutation of mutations) {
      const key = mutationKey(mutation);
      const name = nameOf(tenant, key);
      if (!this.#entries.has(name)) continue;
      this.#forget(name);
      this.#keep(name, "put" in mutation ? { key: copyOf(key), value: copyOf(mutation.value), revision } : undefined);
    }
  }

  #keep(name: string, entry: Entry | undefined): void {
    const bytes = bytesOf(entry);
    if (bytes > MAX_VALUE_BYTES) return;
    this.#entries.set(name, entry);
    this.#bytes += bytes;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= MAX_BYTES && this.#entries.size <= MAX_ENTRIES) return;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    this.#bytes -= bytesOf(this.#entries.get(name));
    this.#entries.delete(name);
  }
}

/** A Buffer, as reading gives, with memory of its own: whoever committed the bytes may use theirs again. */
function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

function bytesOf(entry: Entry | undefined): number {
  return entry?.value.length ?? 0;
}

function nameOf(tenant: TenantId, key: Key): string {
  return `${tenant}/${Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString("latin1")}`;
}
