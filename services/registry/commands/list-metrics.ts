import { MetricValue } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredMetric } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import type { ListPosition } from "../../kit/list-position.ts";
import type { Key, TenantId } from "../../store/store.ts";
import type { VersionReference } from "../adapters/names.ts";
import type { Reader } from "../adapters/stored-adapters.ts";
import { getVersion } from "../adapters/stored-versions.ts";
import { metricsOf } from "../keys.ts";

export interface ListMetrics extends ListPosition {
  readonly reference: VersionReference;
  /** Empty for all. */
  readonly metric: string;
  readonly limit: number;
}

export interface MetricPage {
  /** By metric, time, step and source. */
  readonly values: MetricValue[];
  readonly next: Key | undefined;
}

/** Values of a version, whatever its state. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND. */
export async function listMetrics(
  { store }: { readonly store: Reader },
  tenant: TenantId,
  { reference, metric, limit, at, start }: ListMetrics,
): Promise<MetricPage> {
  const { name } = await getVersion(store, tenant, reference, at);
  const all = metricsOf(name, metric);
  const { entries, next } = await store.scan(tenant, { start: start ?? all.start, end: all.end }, { at, limit });
  return { values: entries.map(({ value }) => StoredMetric.decode(value).value ?? MetricValue.create()), next };
}
