import type { Key, KeyRange, Page, Revision, TenantId } from "../../store/store.ts";
import { adapterKey, prefixRange, versionNameAt, versionStateKey } from "../keys.ts";
import { SortedReader } from "./sorted-reader.ts";
import { type KeptAdapter, type Reader, toAdapter } from "./stored-adapters.ts";
import { type KeptVersion, toVersion, withAdapter } from "./stored-versions.ts";

export interface PageOptions {
  readonly at: Revision;
  /** Versions of the page. */
  readonly limit: number;
}

/** A version with its key in the list. */
export interface ListedVersion {
  readonly key: Key;
  readonly kept: KeptVersion;
  /** Bytes that were read for it. */
  readonly bytes: number;
}

/** A page of versions by adapter and number; their states and adapters, which lie elsewhere in the same order, are read along. */
export class VersionPages {
  readonly #page: Page;
  readonly #states: SortedReader;
  readonly #adapters: SortedReader;

  private constructor(page: Page, states: SortedReader, adapters: SortedReader) {
    this.#page = page;
    this.#states = states;
    this.#adapters = adapters;
  }

  static async read(store: Reader, tenant: TenantId, range: KeyRange, options: PageOptions): Promise<VersionPages> {
    const page = await store.scan(tenant, range, options);
    const reader = (prefix: string) => new SortedReader(store, tenant, { end: prefixRange(prefix).end, ...options });
    return new VersionPages(page, reader("version-state/"), reader("adapter/"));
  }

  /** Start of the next page; absent on the last one. */
  get next(): Key | undefined {
    return this.#page.next;
  }

  async *versions(): AsyncGenerator<ListedVersion> {
    let adapter: KeptAdapter | undefined;
    for (const { key, value } of this.#page.entries) {
      const name = versionNameAt(key, prefixBytes);
      if (adapter?.name !== name.adapter) adapter = await this.#adapter(name.adapter);
      const state = await this.#states.find(versionStateKey(name));
      if (state === undefined) continue;
      yield {
        key,
        kept: withAdapter(toVersion(name, { value }, state), adapter),
        bytes: value.length + state.value.length,
      };
    }
  }

  async #adapter(name: string): Promise<KeptAdapter | undefined> {
    const entry = await this.#adapters.find(adapterKey(name));
    return entry && toAdapter(name, entry);
  }
}

const prefixBytes = "version/".length;
