import { ServiceError } from "../../kit/errors.ts";

/** @param problem what is wrong and what to do, to follow the field's name */
export function planInvalid(field: string, problem: string): ServiceError {
  return new ServiceError("PLAN_INVALID", `${field} ${problem}.`, { field, problem });
}

export function planUnknown(plan: string): ServiceError {
  const shown = plan.slice(0, 80);
  return new ServiceError("RESUME_PLAN_UNKNOWN", `Plan ${JSON.stringify(shown)} is not known here.`, { plan: shown });
}
