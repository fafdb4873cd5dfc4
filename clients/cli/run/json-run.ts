import type { Run } from "../../typescript/src/index.ts";
import { runStateName } from "../names.ts";

/** A run with the name of its state, for `printJson`. */
export function jsonRun(run: Run): object {
  return { ...run, state: runStateName(run.state) };
}
