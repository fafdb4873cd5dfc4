import { ServiceError } from "../../kit/errors.ts";

export function runNotFound(run: string): ServiceError {
  return new ServiceError("RUN_NOT_FOUND", `Run "${run}" does not exist.`, { run });
}

/** @param problem what stands against it, e.g. `is closed` */
export function runConflict(run: string, problem: string): ServiceError {
  return new ServiceError("RUN_CONFLICT", `Run "${run}" ${problem}.`, { run, problem });
}

export function epochNotOpen(run: string, epoch: number): ServiceError {
  const message = `The plan of epoch ${epoch} of run "${run}" is not fixed yet; close the epoch before (CloseEpoch).`;
  return new ServiceError("EPOCH_NOT_OPEN", message, { run, epoch: String(epoch) });
}
