import { fieldInvalid } from "../../kit/field.ts";

const leaseForm = /^[0-9A-Za-z_-]{1,64}$/;
const runIdForm = /^[a-z0-9]([a-z0-9_.-]{0,126}[a-z0-9])?$/;

/** Throws FIELD_INVALID for what can be no run's id. */
export function checkRunId(run: string): void {
  if (!runIdForm.test(run)) throw fieldInvalid("run", run, runIdForm.source);
}

/** Throws FIELD_INVALID for what can be no lease's name. */
export function checkLease(lease: string): void {
  if (!leaseForm.test(lease)) throw fieldInvalid("lease", lease, leaseForm.source);
}
