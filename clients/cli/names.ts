import { RejectReason, Snapshot_State } from "../typescript/src/index.ts";

/** `TEXT_TOO_SHORT`. */
export function reasonName(reason: RejectReason): string {
  return nameOf(RejectReason, reason).replace("REJECT_REASON_", "");
}

/** `SEALED`. */
export function stateName(state: Snapshot_State): string {
  return nameOf(Snapshot_State, state).replace("STATE_", "");
}

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? "UNKNOWN";
}
