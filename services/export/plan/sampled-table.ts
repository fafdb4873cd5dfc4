import type { PlanSpec } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { TenantId } from "../../store/store.ts";
import { hexOf } from "../snapshot/snapshot-key.ts";
import { SampleCursor } from "../snapshot/table/sample-cursor.ts";
import type { SampleTable } from "../snapshot/table/sample-table.ts";
import { copiesOf, type WeightTable, weightTableOf } from "./weight-table.ts";

/** Read and checked in a few milliseconds. */
const PART_SAMPLES = 8192;
const KEPT = 2;

/** What was computed last: all ranks ask for the same at the same time. */
const recent = new Map<string, Promise<WeightTable>>();

/** Copies by the weights of the snapshot. Pure in snapshot, seed and epoch. */
export function sampledTable(
  tenant: TenantId,
  snapshot: Uint8Array,
  table: SampleTable,
  { seed, epoch }: PlanSpec,
): Promise<WeightTable> {
  const name = `${tenant}/${hexOf(snapshot)}/${seed}/${epoch}`;
  const known = recent.get(name) ?? compute(table, seed, epoch);
  recent.delete(name);
  recent.set(name, known);
  known.catch(() => recent.delete(name));
  const [oldest] = recent.keys();
  if (recent.size > KEPT && oldest !== undefined) recent.delete(oldest);
  return known;
}

async function compute(table: SampleTable, seed: bigint, epoch: number): Promise<WeightTable> {
  const cursor = new SampleCursor(table, 0, false);
  return weightTableOf(await copiesOf(() => weightParts(cursor, table.sampleCount), table.sampleCount, seed, epoch));
}

/** Weights in 10⁻⁶, part by part. */
export function* weightParts(cursor: SampleCursor, count: number): Generator<Uint32Array> {
  for (let first = 0; first < count; first += PART_SAMPLES) {
    yield cursor.weights(first, Math.min(PART_SAMPLES, count - first));
  }
}
