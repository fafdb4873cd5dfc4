import colors from "picocolors";
import type { Statistics } from "../typescript/src/index.ts";
import { reasonName } from "./names.ts";
import { bytes, count } from "./output.ts";

/** The six keys that exporters before us wrote, and ours beside them. */
export function statisticsFile(statistics: Statistics): Record<string, unknown> {
  return {
    total_entities: statistics.selectedCount,
    exported_entities: statistics.sampleCount,
    failed_entities: statistics.failedCount,
    bytes_written: statistics.outputBytes,
    duration_ms: statistics.durationMs,
    errors: statistics.errors,
    statistics: {
      scanned_count: statistics.scannedCount,
      schema_invalid_kept_count: statistics.schemaInvalidKeptCount,
      line_bytes: statistics.lineBytes,
      rejects: statistics.rejects.map((reject) => ({
        reason: reasonName(reject.reason),
        count: reject.count,
        examples: reject.examples.map(({ recordId, problem }) => ({ record_id: recordId, problem })),
      })),
      dropped: statistics.dropped,
      hint: statistics.hint,
    },
  };
}

/** A few lines for a person. */
export function statisticsLines(statistics: Statistics): string[] {
  const dropped = statistics.scannedCount - statistics.selectedCount;
  const lines = [
    `${colors.bold(count(statistics.sampleCount))} samples (${bytes(statistics.outputBytes)}) of ${count(statistics.scannedCount)} records; ` +
      `${count(statistics.failedCount)} rejected, ${count(dropped)} not selected.`,
  ];
  for (const { condition, count: records } of statistics.dropped) {
    if (records > 0n) lines.push(`  ${count(records).padStart(9)}  not selected: ${condition}`);
  }
  for (const reject of statistics.rejects) {
    lines.push(`  ${count(reject.count).padStart(9)}  ${reasonName(reject.reason)}`);
    const example = reject.examples[0];
    if (example !== undefined) lines.push(colors.dim(`             e.g. ${example.recordId}: ${example.problem}`));
  }
  if (statistics.hint !== "") lines.push(colors.yellow(statistics.hint));
  return lines;
}
