import type { Plan } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { sha256Form } from "../../kit/sha256-form.ts";
import type { TenantId } from "../../store/store.ts";
import type { ExportContext } from "../context.ts";
import { planUnknown } from "../plan/plan-errors.ts";
import { planMessage } from "../plan/plan-message.ts";
import type { OpenPlan, PlanRequest } from "../plan/plans.ts";

export interface GetPlan {
  readonly tenant: TenantId;
  readonly request: PlanRequest;
  /** Instead of the request where it is not empty. */
  readonly hash: string;
  readonly epochs: number;
  readonly gradientAccumulationSteps: number;
  readonly signal: AbortSignal;
}

export async function getPlan(context: ExportContext, command: GetPlan): Promise<{ plan: Plan; maxSteps: bigint }> {
  const plan = await findPlan(context, command);
  const steps = Math.ceil(plan.order.batchCount / command.gradientAccumulationSteps);
  return { plan: planMessage(plan), maxSteps: BigInt(steps) * BigInt(command.epochs) };
}

/** By hash, or the one that the request gives. */
export function findPlan(
  context: ExportContext,
  { tenant, request, hash, signal }: Pick<GetPlan, "tenant" | "request" | "hash" | "signal">,
): Promise<OpenPlan> {
  if (hash === "") return context.plans.resolve(tenant, request, signal);
  if (!sha256Form.test(hash)) throw planUnknown(hash);
  return context.plans.open(tenant, Buffer.from(hash, "hex"));
}
