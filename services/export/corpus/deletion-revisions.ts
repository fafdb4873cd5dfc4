import type { Revision, StoreReader, TenantId } from "../../store/store.ts";
import { deletedKey } from "../keys.ts";

/** The last commits that deleted records of collections, each read once. */
export class DeletionRevisions {
  readonly #store: StoreReader;
  readonly #tenant: TenantId;
  readonly #known = new Map<number, Revision>();

  constructor(store: StoreReader, tenant: TenantId) {
    this.#store = store;
    this.#tenant = tenant;
  }

  async of(collection: number): Promise<Revision> {
    const known =
      this.#known.get(collection) ?? (await this.#store.get(this.#tenant, deletedKey(collection)))?.revision ?? 0n;
    this.#known.set(collection, known);
    return known;
  }
}
