import { fieldInvalid } from "./field.ts";

const runIdForm = /^[a-z0-9]([a-z0-9_.-]{0,126}[a-z0-9])?$/;

/** Throws FIELD_INVALID for what can be no run's id. */
export function checkRunId(run: string): void {
  if (!runIdForm.test(run)) throw fieldInvalid("run", run, runIdForm.source);
}
