import { fieldInvalid } from "../../kit/field.ts";

const leaseForm = /^[0-9A-Za-z_-]{1,64}$/;

/** Throws FIELD_INVALID for what can be no lease's name. */
export function checkLease(lease: string): void {
  if (!leaseForm.test(lease)) throw fieldInvalid("lease", lease, leaseForm.source);
}
