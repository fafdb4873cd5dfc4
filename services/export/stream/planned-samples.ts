import type { OpenPlan } from "../plan/plans.ts";
import type { Run } from "../plan/share.ts";
import { ENTRY_CACHE_BYTES } from "../snapshot/table/entry-cache.ts";
import { SampleCursor } from "../snapshot/table/sample-cursor.ts";
import { ENTRY_BYTES } from "../snapshot/table/sample-entry.ts";
import type { SamplePlace } from "../snapshot/table/sample-place.ts";
import type { SampleTable } from "../snapshot/table/sample-table.ts";

/** What goes into one frame. */
export interface PlannedSpan {
  readonly places: readonly SamplePlace[];
  /** Which indices these are. */
  readonly runs: readonly Run[];
  readonly lineBytes: number;
}

/** Walks the indices of a share and finds their samples. */
export class PlannedSamples {
  readonly #plan: OpenPlan;
  readonly #runs: Iterator<Run>;
  readonly #cursors: readonly SampleCursor[];
  /** What is left of the newest run. */
  #run: Run = { first: 0, count: 0 };

  constructor(plan: OpenPlan, runs: Iterable<Run>) {
    this.#plan = plan;
    this.#runs = runs[Symbol.iterator]();
    this.#cursors = plan.sources.map(({ table }, source) => new SampleCursor(table, source, keepsPages(plan, table)));
  }

  /** The next samples, as long as their lines fit `maxBytes`, at least one; undefined at the end. */
  next(maxBytes: number, maxSamples: number): PlannedSpan | undefined {
    const places: SamplePlace[] = [];
    const runs: Run[] = [];
    let lineBytes = 0;
    for (let run = this.#current(); run !== undefined && places.length < maxSamples; run = this.#current()) {
      const taken = this.#take(run, places, maxBytes - lineBytes, maxSamples);
      if (taken.count === 0) break;
      lineBytes += taken.bytes;
      addRun(runs, { first: run.first, count: taken.count });
      this.#run = { first: run.first + taken.count, count: run.count - taken.count };
    }
    return places.length === 0 ? undefined : { places, runs, lineBytes };
  }

  #current(): Run | undefined {
    if (this.#run.count > 0) return this.#run;
    const next = this.#runs.next();
    if (next.done) return undefined;
    this.#run = next.value;
    return this.#run;
  }

  /** Adds samples of the run to `places`; how many, and their bytes. */
  #take(run: Run, places: SamplePlace[], maxBytes: number, maxSamples: number): { count: number; bytes: number } {
    let [count, bytes] = [0, 0];
    while (count < run.count && places.length < maxSamples) {
      const { source, sample, page } = this.#plan.order.at(run.first + count);
      const place = (this.#cursors[source] as SampleCursor).at(sample, page);
      if (places.length > 0 && bytes + place.length > maxBytes) break;
      places.push(place);
      bytes += place.length;
      count += 1;
    }
    return { count, bytes };
  }
}

/** Whether the entries of all pages that a stream jumps between fit the cache. Without a shuffle, it reads page after page. */
function keepsPages({ spec }: OpenPlan, { sampleCount, pageCounts }: SampleTable): boolean {
  if (spec.shuffle === undefined) return true;
  const windows = Math.max(1, pageCounts.length / spec.shuffle.windowPages);
  return (sampleCount / windows) * ENTRY_BYTES <= ENTRY_CACHE_BYTES / 2;
}

/** Neighbours become one. */
function addRun(runs: Run[], run: Run): void {
  const last = runs.at(-1);
  if (last !== undefined && last.first + last.count === run.first) {
    runs[runs.length - 1] = { first: last.first, count: last.count + run.count };
  } else {
    runs.push(run);
  }
}
