import { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import { StoredRecord } from "../../../proto/gen/loraloop/storage/v1/corpus.ts";
import { loadExporters } from "../../../services/export/rendering/exporter-registry.ts";
import { loadRenderer } from "../../../services/export/rendering/load-renderer.ts";
import type { Outcome } from "../../../services/export/rendering/renderer.ts";
import { StatisticsBuilder } from "../../../services/export/rendering/statistics.ts";
import { benchRecords } from "../samples.ts";

/** The rendering loop with and without statistics, in turns: `statistics.ts RECORDS ROUNDS SPEC`, SPEC in base64. Prints milliseconds. */

const [recordCount = "", rounds = "", spec = ""] = process.argv.slice(2);
const records = [...benchRecords(0, Number(recordCount))].map(({ id, fieldsJson }) => {
  const stored = StoredRecord.fromPartial({ fieldsJson: Buffer.from(fieldsJson) });
  return { id, value: StoredRecord.encode(stored).finish() };
});
const renderer = await loadRenderer(DatasetSpec.decode(Buffer.from(spec, "base64")), 0n, await loadExporters());
const without: number[] = [];
const withStatistics: number[] = [];
for (let round = 0; round < Number(rounds); round += 1) {
  without.push(measure(() => undefined));
  const statistics = new StatisticsBuilder(renderer.conditions);
  withStatistics.push(measure((id, outcome) => count(statistics, id, outcome)));
}
process.stdout.write(`${JSON.stringify({ without, withStatistics })}\n`);

function measure(after: (id: string, outcome: Outcome) => void): number {
  const start = performance.now();
  for (const { id, value } of records) after(id, renderer.render(id, StoredRecord.decode(value)));
  return performance.now() - start;
}

function count(statistics: StatisticsBuilder, id: string, outcome: Outcome): void {
  statistics.scanned();
  if (outcome.kind === "dropped") statistics.dropped(outcome.condition);
  else if (outcome.kind === "rejected") statistics.rejected(id, outcome.reason, outcome.problem);
  else statistics.sample(outcome.line.length, outcome.line.length, outcome.schemaProblem !== "");
}
