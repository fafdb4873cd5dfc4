import type {
  ReportMetricsRequest,
  ReportMetricsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkMetricValues } from "../adapters/metric-values.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { reportMetrics as command } from "../commands/report-metrics.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ReportMetricsRequest, call: Call) => Promise<ReportMetricsResponse>;

export function reportMetrics(context: RegistryContext): Handler {
  return async ({ version, values }, { caller }) => {
    const reference = parseVersionReference(version);
    const reported = checkMetricValues(values, context.clock.now());
    return { version: await command(context, caller.tenant, reference, reported) };
  };
}
