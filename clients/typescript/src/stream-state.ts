import type { ResumePoint } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { StateError } from "./errors.ts";

/** All that is needed to go on exactly: small plain JSON, the same in all client languages, no secret. */
export interface StreamState {
  readonly format: 1;
  readonly store: string;
  readonly incarnation: string;
  readonly request_hash: string;
  readonly plan: string;
  readonly epoch: number;
  readonly next_index: number;
}

const names = ["store", "incarnation", "request_hash", "plan"] as const;
const counts = ["epoch", "next_index"] as const;
const keys = ["format", ...names, ...counts] as const;

export function toState(point: ResumePoint, nextIndex: number): StreamState {
  return {
    format: 1,
    store: point.store,
    incarnation: point.incarnation,
    request_hash: point.requestHash,
    plan: point.plan,
    epoch: point.epoch,
    next_index: nextIndex,
  };
}

/** Throws StateError naming the key that is wrong. Whether it fits the server's data is the server's to say. */
export function toResumePoint(state: StreamState): ResumePoint {
  if (state.format !== 1)
    throw new StateError(`The state has format ${String(state.format)}, this client reads format 1.`);
  const [given, expected] = [Object.keys(state), [...keys]].map((some) => some.toSorted().join(", "));
  if (given !== expected) throw new StateError(`The state has the keys ${given}; expected ${expected}.`);
  for (const key of names) {
    if (typeof state[key] !== "string")
      throw new StateError(`The state's "${key}" is not a string: ${JSON.stringify(state[key])}.`);
  }
  for (const key of counts) {
    if (!Number.isSafeInteger(state[key]) || state[key] < 0)
      throw new StateError(`The state's "${key}" is not a count: ${JSON.stringify(state[key])}.`);
  }
  return {
    format: state.format,
    store: state.store,
    incarnation: state.incarnation,
    requestHash: state.request_hash,
    plan: state.plan,
    epoch: state.epoch,
    nextIndex: BigInt(state.next_index),
  };
}

/** The state that all ranks hold. Throws StateError naming both values where two differ, or where there is none. */
export function mergeStates(states: readonly StreamState[]): StreamState {
  const [first, ...others] = states;
  if (first === undefined) throw new StateError("There is no state to go on from.");
  for (const [place, other] of others.entries()) {
    for (const key of keys) {
      if (first[key] === other[key]) continue;
      const values = `${JSON.stringify(first[key])} and ${JSON.stringify(other[key])}`;
      throw new StateError(
        `The states of two ranks differ in "${key}": ${values} (the first and number ${place + 2}).`,
      );
    }
  }
  return first;
}
