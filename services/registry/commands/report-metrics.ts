import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { TenantId } from "../../store/store.ts";
import { type ChangeContext, changeVersion } from "../adapters/change-version.ts";
import { type MeasuredValue, metricMutations, withValues } from "../adapters/metric-values.ts";
import type { VersionReference } from "../adapters/names.ts";

/** Adds values to a version. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND, ADAPTER_NOT_FOUND, LIMIT_EXCEEDED. */
export function reportMetrics(
  context: ChangeContext,
  tenant: TenantId,
  reference: VersionReference,
  values: readonly MeasuredValue[],
): Promise<AdapterVersion> {
  return changeVersion(context, tenant, reference, ({ name, state }) => ({
    state: { ...state, metrics: withValues(state.metrics, values) },
    mutations: metricMutations(name, values),
  }));
}
