import type { GetPlanRequest, GetPlanResponse } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Call } from "../../kit/call.ts";
import { getPlan as command } from "../commands/get-plan.ts";
import type { ExportContext } from "../context.ts";

type Handler = (request: GetPlanRequest, call: Call) => Promise<GetPlanResponse>;

export function getPlan(context: ExportContext): Handler {
  return ({ source, plan, runEpoch, hash, epochs, gradientAccumulationSteps }, { caller, signal }) =>
    command(context, {
      tenant: caller.tenant,
      request: { source, plan, runEpoch },
      hash,
      epochs: epochs || 1,
      gradientAccumulationSteps: gradientAccumulationSteps || 1,
      signal,
    });
}
