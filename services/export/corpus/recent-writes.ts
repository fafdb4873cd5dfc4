import type { Revision } from "../../store/store.ts";
import type { CheckedRecord } from "./check-record.ts";
import type { WritePlan } from "./plan-writes.ts";

/** More than the chunks that are worked on at once. */
const kept = 8;

/** What a writer wrote last: a plan that was made meanwhile may not know of it. */
export class RecentWrites {
  readonly #writes: { readonly revision: Revision; readonly ids: ReadonlySet<string> }[] = [];

  add(records: readonly CheckedRecord[], revision: Revision): void {
    this.#writes.push({ revision, ids: new Set(records.map(({ id }) => id)) });
    if (this.#writes.length > kept) this.#writes.shift();
  }

  /** Whether one of the records was written after the plan was made. */
  outdate({ head }: WritePlan, records: readonly CheckedRecord[]): boolean {
    const later = this.#writes.filter(({ revision }) => revision > head.revision);
    return later.some(({ ids }) => records.some(({ id }) => ids.has(id)));
  }
}
