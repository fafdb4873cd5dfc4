import type { MetricValue } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredMetric, type StoredMetricSummary } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { fromTimestamp, toTimestamp } from "../../kit/timestamp.ts";
import type { Micros, Mutation } from "../../store/store.ts";
import { type MetricPlace, metricKey, type VersionName } from "../keys.ts";
import { checkBytes, checkMetric } from "./check-fields.ts";

/** A value of a metric and its place. */
export interface MeasuredValue extends MetricPlace {
  readonly value: number;
}

type Summaries = Readonly<Record<string, StoredMetricSummary>>;

/** Values as callers report them; those without a time were measured now. Throws FIELD_INVALID, LIMIT_EXCEEDED. */
export function checkMetricValues(values: readonly MetricValue[], now: Micros): MeasuredValue[] {
  if (values.length === 0) throw fieldInvalid("values", "", "at least one value");
  if (values.length > limits.call_metric_values) {
    throw limitExceeded("call_metric_values", values.length, "The number of values");
  }
  return values.map(({ metric, value, time, step, source }, place) => {
    const field = `values[${place}]`;
    checkMetric(metric, value, `${field}.value`);
    checkBytes(source, "metric_source_bytes", `The length of ${field}.source`);
    const timeMicros = time === undefined ? now : fromTimestamp(time, `${field}.time`);
    return { metric, value, timeMicros, step, source };
  });
}

/** Keeps each value in its place; of several in one place the last. */
export function metricMutations(name: VersionName, values: readonly MeasuredValue[]): Mutation[] {
  const byKey = new Map(values.map((value) => [Buffer.from(metricKey(name, value)).toString("latin1"), value]));
  return Array.from(byKey.values(), (value) => ({ put: metricKey(name, value), value: encode(value) }));
}

/** The newest value of each metric: by time, then step, then the order of reports. Throws LIMIT_EXCEEDED (version_metrics). */
export function withValues(metrics: Summaries, values: readonly MeasuredValue[]): Record<string, StoredMetricSummary> {
  const newest = new Map(Object.entries(metrics));
  for (const { metric, ...summary } of values) {
    const known = newest.get(metric);
    if (known === undefined || !isBefore(summary, known)) newest.set(metric, summaryOf(summary));
  }
  if (newest.size > limits.version_metrics) {
    throw limitExceeded("version_metrics", newest.size, "The number of the version's metrics");
  }
  return Object.fromEntries(newest);
}

function summaryOf({ value, timeMicros, step }: StoredMetricSummary): StoredMetricSummary {
  return { value, timeMicros, step };
}

function isBefore(one: StoredMetricSummary, other: StoredMetricSummary): boolean {
  return one.timeMicros < other.timeMicros || (one.timeMicros === other.timeMicros && one.step < other.step);
}

function encode({ timeMicros, ...value }: MeasuredValue): Uint8Array {
  return encoded(StoredMetric, { value: { ...value, time: toTimestamp(timeMicros) } });
}
