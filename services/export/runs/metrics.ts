import type { MetricPoint } from "../../../proto/gen/loraloop/export/v1/run_service.ts";
import type { StoredRunState } from "../../../proto/gen/loraloop/storage/v1/run.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { withPoint } from "./loss-course.ts";

/** Metrics at an optimizer step. */
export interface Metrics {
  readonly step: bigint;
  readonly metrics: Readonly<Record<string, number>>;
}

/** The metric whose course is kept. */
const COURSE = "loss";

/** Throws LIMIT_EXCEEDED, FIELD_INVALID. */
export function checkMetrics(metrics: Readonly<Record<string, number>>): void {
  const all = Object.entries(metrics);
  if (all.length > limits.call_metrics) throw limitExceeded("call_metrics", all.length, "The number of metrics");
  for (const [name, value] of all) {
    const bytes = Buffer.byteLength(name);
    if (bytes > limits.metric_name_bytes) throw limitExceeded("metric_name_bytes", bytes, "Length of a metric's name");
    if (bytes === 0) throw fieldInvalid("metrics", name, "a name for each metric");
    if (!Number.isFinite(value)) throw fieldInvalid(`metrics.${name}`, String(value), "a finite number");
  }
}

/** The state with the newest metrics. Throws LIMIT_EXCEEDED (run_metrics). */
export function withMetrics(state: StoredRunState, { step, metrics: newest }: Metrics): StoredRunState {
  const metrics = { ...state.metrics, ...newest };
  const count = Object.keys(metrics).length;
  if (count > limits.run_metrics) throw limitExceeded("run_metrics", count, "The number of the run's metrics");
  const loss = newest[COURSE];
  return loss === undefined
    ? { ...state, metrics }
    : { ...state, metrics, ...courseWith(state, { step, value: loss }) };
}

function courseWith(
  { lossPoints, lossPointSteps }: StoredRunState,
  point: MetricPoint,
): Pick<StoredRunState, "lossPoints" | "lossPointSteps"> {
  const { points, stepsPerPoint } = withPoint({ points: lossPoints, stepsPerPoint: lossPointSteps }, point);
  return { lossPoints: [...points], lossPointSteps: stepsPerPoint };
}
