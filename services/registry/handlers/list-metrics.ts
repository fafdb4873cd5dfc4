import type {
  ListMetricsRequest,
  ListMetricsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { limits } from "../../kit/limits.ts";
import { nextPageToken, readPosition } from "../../kit/list-position.ts";
import { pageSize } from "../../kit/page-token.ts";
import { checkMetricName } from "../adapters/check-fields.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { listMetrics as command } from "../commands/list-metrics.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: ListMetricsRequest, call: Call) => Promise<ListMetricsResponse>;

export function listMetrics(context: RegistryContext): Handler {
  return async ({ version, metric, pageToken, ...request }, { caller }) => {
    const { tenant } = caller;
    const reference = parseVersionReference(version);
    if (metric !== "") checkMetricName(metric);
    const limit = pageSize(request.pageSize || limits.page_size);
    const scope = { tenant, method: "ListMetrics", fields: [version, metric] };
    const position = await readPosition(context, scope, pageToken);
    const { values, next } = await command(context, tenant, { reference, metric, limit, ...position });
    return { values, nextPageToken: nextPageToken(context, scope, position.at, next) };
  };
}
