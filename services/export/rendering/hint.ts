import type { ConditionCount, RejectCount, Statistics } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";

/** One sentence on why a dataset gives no samples, naming the filter that removed most; empty where it gives some. */
export function emptyResultHint(statistics: Statistics): string {
  if (statistics.sampleCount > 0n) {
    return "";
  }
  if (statistics.scannedCount === 0n) {
    return "No samples: no record was read; is the collection empty?";
  }
  const condition = largest(statistics.dropped);
  const reject = largest(statistics.rejects);
  if (condition !== undefined && condition.count >= (reject?.count ?? 0n)) {
    return `No samples: the condition ${condition.condition} dropped ${of(condition.count, statistics)}.`;
  }
  return reject === undefined ? "" : `No samples: ${rejectHint(reject, statistics)}.`;
}

function rejectHint(reject: RejectCount, statistics: Statistics): string {
  const example = reject.examples[0];
  return `${of(reject.count, statistics)} failed alike, the first (${example?.recordId}) with: ${example?.problem}`;
}

function of(count: bigint, { scannedCount }: Statistics): string {
  const records = scannedCount === 1n ? "record" : "records";
  return count === scannedCount ? `all ${count} ${records}` : `${count} of ${scannedCount} ${records}`;
}

function largest<T extends ConditionCount | RejectCount>(counts: readonly T[]): T | undefined {
  return counts.reduce<T | undefined>((best, next) => (next.count > (best?.count ?? 0n) ? next : best), undefined);
}
