import type { ResumePoint } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StateError } from "./errors.ts";

/** All that is needed to go on exactly: small plain JSON, the same in all client languages, no secret. */
export interface StreamState {
  readonly format: 1;
  readonly store: string;
  readonly incarnation: string;
  readonly request_hash: string;
  readonly plan: string;
  readonly next_index: number;
}

export function toState(point: ResumePoint, nextIndex: number): StreamState {
  return {
    format: 1,
    store: point.store,
    incarnation: point.incarnation,
    request_hash: point.requestHash,
    plan: point.plan,
    next_index: nextIndex,
  };
}

/** Throws StateError naming the key that is wrong. Whether it fits the server's data is the server's to say. */
export function toResumePoint(state: StreamState): ResumePoint {
  if (state.format !== 1)
    throw new StateError(`The state has format ${String(state.format)}, this client reads format 1.`);
  for (const key of ["store", "incarnation", "request_hash", "plan"] as const) {
    if (typeof state[key] !== "string")
      throw new StateError(`The state's "${key}" is not a string: ${JSON.stringify(state[key])}.`);
  }
  if (!Number.isSafeInteger(state.next_index) || state.next_index < 0) {
    throw new StateError(`The state's "next_index" is not a count: ${JSON.stringify(state.next_index)}.`);
  }
  return {
    format: state.format,
    store: state.store,
    incarnation: state.incarnation,
    requestHash: state.request_hash,
    plan: state.plan,
    nextIndex: BigInt(state.next_index),
  };
}
