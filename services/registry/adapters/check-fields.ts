import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { type LimitName, limits } from "../../kit/limits.ts";

/** Metadata of an adapter, a version or a base model; of a key `__proto__` the generated decoder leaves nothing to check. Throws LIMIT_EXCEEDED, FIELD_INVALID. */
export function checkMetadata(metadata: Readonly<Record<string, string>>): void {
  const entries = Object.entries(metadata);
  if (entries.length > limits.metadata_entries) {
    throw limitExceeded("metadata_entries", entries.length, "The number of entries of metadata");
  }
  for (const [key, value] of entries) {
    if (key === "") throw fieldInvalid("metadata", key, "a key for each entry");
    checkBytes(key, "metadata_key_bytes", "The length of a key of metadata");
    checkBytes(value, "metadata_value_bytes", `The length of metadata[${JSON.stringify(key)}]`);
  }
}

/** UTF-8 bytes of a text. Throws LIMIT_EXCEEDED. @param what begins the sentence about it */
export function checkBytes(text: string, limit: LimitName, what: string): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits[limit]) throw limitExceeded(limit, bytes, what);
}

/** A text that says why: one byte at least where it is asked for. Throws LIMIT_EXCEEDED, FIELD_INVALID. */
export function checkReason(reason: string, isRequired: boolean): void {
  if (isRequired && reason === "") throw fieldInvalid("reason", reason, `1 to ${limits.reason_bytes} bytes`);
  checkBytes(reason, "reason_bytes", "The length of reason");
}

/** Values of metrics by name, as first values of a version. Throws LIMIT_EXCEEDED, FIELD_INVALID. */
export function checkMetrics(metrics: Readonly<Record<string, number>>): void {
  const entries = Object.entries(metrics);
  if (entries.length > limits.version_metrics) {
    throw limitExceeded("version_metrics", entries.length, "The number of metrics");
  }
  for (const [metric, value] of entries) checkMetric(metric, value, `metrics[${JSON.stringify(metric)}]`);
}

/** What a metric may be called. */
export const metricForm: RegExp = /^[A-Za-z0-9][A-Za-z0-9_./-]{0,127}$/;

/** Name and value of a metric. Throws FIELD_INVALID. @param field of the value */
export function checkMetric(metric: string, value: number, field: string): void {
  checkMetricName(metric);
  if (!Number.isFinite(value)) throw fieldInvalid(field, String(value), "a finite number");
}

/** Throws FIELD_INVALID for what can be no metric's name. */
export function checkMetricName(metric: string): void {
  if (!metricForm.test(metric)) throw fieldInvalid("metric", metric, metricForm.source);
}

/** A URI as readers may see it, who are shown where data came from. */
export function withoutPassword(uri: string): string {
  return uri.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*:[^/?#]*@/i, "$1…@");
}
