import type { ExplainPlanRequest, ExplainPlanResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { explainPlan as command } from "../commands/explain-plan.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: ExplainPlanRequest, call: Call) => Promise<ExplainPlanResponse>;

const DEFAULT_COUNT = 10;

export function explainPlan(context: ExportContext): Handler {
  return ({ source, plan, runEpoch, hash, firstIndex, count, worldSize }, { caller, signal }) => {
    if (count > limits.plan_entries)
      throw fieldInvalid("count", String(count), `at most plan_entries (${limits.plan_entries})`);
    return command(context, {
      tenant: caller.tenant,
      request: { source, plan, runEpoch },
      hash,
      firstIndex: Number(firstIndex),
      count: count || DEFAULT_COUNT,
      worldSize: worldSize || 1,
      signal,
    });
  };
}
