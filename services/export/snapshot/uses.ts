import type { TenantId } from "../../store/store.ts";
import { hexOf } from "./snapshot-key.ts";

/** Which snapshots the streams of this process read. */
export class SnapshotUses {
  readonly #counts = new Map<string, number>();

  count(tenant: TenantId, key: Uint8Array): number {
    return this.#counts.get(`${tenant}/${hexOf(key)}`) ?? 0;
  }

  /** Counts a use until it is disposed of. */
  open(tenant: TenantId, key: Uint8Array): Disposable {
    const name = `${tenant}/${hexOf(key)}`;
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    return { [Symbol.dispose]: () => this.#close(name) };
  }

  #close(name: string): void {
    const left = (this.#counts.get(name) ?? 1) - 1;
    if (left === 0) this.#counts.delete(name);
    else this.#counts.set(name, left);
  }
}
