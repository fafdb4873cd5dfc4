import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import type { SnapshotEntry } from "./stored-snapshots.ts";

const RENEWAL_MILLIS = 10 * 60 * 1000;

/** Keeps snapshots from being removed while a stream reads them. */
export class SnapshotUse implements Disposable {
  readonly #context: ExportContext;
  readonly #tenant: TenantId;
  readonly #entries: readonly SnapshotEntry[];
  readonly #uses: readonly Disposable[];
  #renewed = Number.NEGATIVE_INFINITY;

  constructor(context: ExportContext, tenant: TenantId, entries: readonly SnapshotEntry[]) {
    this.#context = context;
    this.#tenant = tenant;
    this.#entries = entries;
    this.#uses = entries.map(({ key }) => context.snapshots.uses.open(tenant, key));
  }

  /** Reading keeps snapshots alive; it need not wait for that. Does something once in ten minutes. */
  renew(): void {
    if (performance.now() - this.#renewed < RENEWAL_MILLIS) return;
    this.#renewed = performance.now();
    const { snapshots, log } = this.#context;
    for (const { key, stored } of this.#entries) {
      if (stored.ttlSeconds === 0) continue;
      snapshots
        .renew(this.#tenant, key)
        .catch((error: Error) => log.warn({ err: error }, "a snapshot's life could not be renewed"));
    }
  }

  [Symbol.dispose](): void {
    for (const use of this.#uses) use[Symbol.dispose]();
  }
}
