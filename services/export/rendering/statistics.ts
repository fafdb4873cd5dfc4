import {
  type Reject,
  type RejectCount,
  type RejectReason,
  Statistics,
} from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { emptyResultHint } from "./hint.ts";

const examplesPerReason = 5;
const maximumErrors = 1_000;

/** Counts what became of records, in id order. One writer; `toMessage` may be called at any time. */
export class StatisticsBuilder {
  readonly #dropped: { condition: string; count: number }[];
  readonly #rejects: Map<RejectReason, { count: number; examples: Reject[] }> = new Map();
  readonly #errors: string[];
  #scanned = 0;
  #samples = 0;
  #failed = 0;
  #lineBytes = 0;
  #outputBytes = 0;
  #schemaInvalid = 0;
  #durationMs = 0;

  /** @param conditions of the renderer */
  constructor(conditions: readonly string[], before?: Statistics) {
    this.#dropped = conditions.map((condition, index) => ({
      condition,
      count: Number(before?.dropped[index]?.count ?? 0),
    }));
    this.#errors = [...(before?.errors ?? [])];
  }

  /** Goes on counting where a message stopped. */
  static from(conditions: readonly string[], before: Statistics): StatisticsBuilder {
    const builder = new StatisticsBuilder(conditions, before);
    builder.#scanned = Number(before.scannedCount);
    builder.#samples = Number(before.sampleCount);
    builder.#failed = Number(before.failedCount);
    builder.#lineBytes = Number(before.lineBytes);
    builder.#outputBytes = Number(before.outputBytes);
    builder.#schemaInvalid = Number(before.schemaInvalidKeptCount);
    builder.#durationMs = Number(before.durationMs);
    for (const { reason, count, examples } of before.rejects) {
      builder.#rejects.set(reason, { count: Number(count), examples: [...examples] });
    }
    return builder;
  }

  /** A record was read. Every record also gets exactly one of the next three. */
  scanned(): void {
    this.#scanned += 1;
  }

  /** A condition of the selection dropped it. */
  dropped(condition: number): void {
    const count = this.#dropped[condition];
    if (count !== undefined) {
      count.count += 1;
    }
  }

  /** It was selected and gave no sample. */
  rejected(id: string, reason: RejectReason, problem: string): void {
    this.#failed += 1;
    const rejects = this.#rejects.get(reason) ?? { count: 0, examples: [] };
    this.#rejects.set(reason, rejects);
    rejects.count += 1;
    if (rejects.examples.length < examplesPerReason) {
      rejects.examples.push({ recordId: id, reason, problem });
    }
    if (this.#errors.length < maximumErrors) {
      this.#errors.push(`Entity ${id}: ${problem}`);
    }
  }

  /** It gave a sample: bytes of its line without and with weight, each with the line feed. */
  sample(lineBytes: number, outputBytes: number, schemaInvalid: boolean): void {
    this.#samples += 1;
    this.#lineBytes += lineBytes;
    this.#outputBytes += outputBytes;
    this.#schemaInvalid += schemaInvalid ? 1 : 0;
  }

  /** Time spent, added to what was spent before. */
  spent(milliseconds: number): void {
    this.#durationMs += Math.round(milliseconds);
  }

  /** @param final whether everything has been read: only then can it be said that nothing came out */
  toMessage(final = false): Statistics {
    const statistics = Statistics.fromPartial({
      scannedCount: BigInt(this.#scanned),
      selectedCount: BigInt(this.#samples + this.#failed),
      sampleCount: BigInt(this.#samples),
      failedCount: BigInt(this.#failed),
      lineBytes: BigInt(this.#lineBytes),
      outputBytes: BigInt(this.#outputBytes),
      schemaInvalidKeptCount: BigInt(this.#schemaInvalid),
      durationMs: BigInt(this.#durationMs),
      dropped: this.#dropped.map(({ condition, count }) => ({ condition, count: BigInt(count) })),
      rejects: this.#rejectCounts(),
      errors: this.#errors,
    });
    return { ...statistics, hint: final ? emptyResultHint(statistics) : "" };
  }

  #rejectCounts(): RejectCount[] {
    return [...this.#rejects.entries()]
      .sort(([a], [b]) => a - b)
      .map(([reason, { count, examples }]) => ({ reason, count: BigInt(count), examples }));
  }
}
