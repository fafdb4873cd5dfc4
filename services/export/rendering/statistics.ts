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
  readonly #errors: string[] = [];
  #scanned = 0;
  #samples = 0;
  #failed = 0;
  #lineBytes = 0;
  #outputBytes = 0;
  #schemaInvalid = 0;

  /** @param conditions of the renderer */
  constructor(conditions: readonly string[]) {
    this.#dropped = conditions.map((condition) => ({ condition, count: 0 }));
  }

  /** Goes on counting where a message stopped. */
  static from(before: Statistics): StatisticsBuilder {
    const builder = new StatisticsBuilder(before.dropped.map(({ condition }) => condition));
    builder.#dropped.forEach((count, index) => {
      count.count = Number(before.dropped[index]?.count ?? 0);
    });
    builder.#errors.push(...before.errors);
    builder.#scanned = Number(before.scannedCount);
    builder.#samples = Number(before.sampleCount);
    builder.#failed = Number(before.failedCount);
    builder.#lineBytes = Number(before.lineBytes);
    builder.#outputBytes = Number(before.outputBytes);
    builder.#schemaInvalid = Number(before.schemaInvalidKeptCount);
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

  /** Everything so far, with the hint where nothing came out; the time spent is not known here and 0. */
  toMessage(): Statistics {
    const counts = Statistics.fromPartial({
      scannedCount: BigInt(this.#scanned),
      selectedCount: BigInt(this.#samples + this.#failed),
      sampleCount: BigInt(this.#samples),
      failedCount: BigInt(this.#failed),
      lineBytes: BigInt(this.#lineBytes),
      outputBytes: BigInt(this.#outputBytes),
      schemaInvalidKeptCount: BigInt(this.#schemaInvalid),
      dropped: this.#dropped.map(({ condition, count }) => ({ condition, count: BigInt(count) })),
      rejects: this.#rejectCounts(),
      errors: this.#errors,
    });
    return { ...counts, hint: emptyResultHint(counts) };
  }

  #rejectCounts(): RejectCount[] {
    return [...this.#rejects.entries()]
      .sort(([a], [b]) => a - b)
      .map(([reason, { count, examples }]) => ({ reason, count: BigInt(count), examples }));
  }
}
