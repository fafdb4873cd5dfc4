import { AdapterVersion_State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";

/** Deleted, else quarantined, else declared where its files were not found right, else ready. */
export function stateOf({ checked, quarantine, deleteTimeMicros }: StoredVersionState): AdapterVersion_State {
  if (deleteTimeMicros !== 0n) return AdapterVersion_State.STATE_DELETED;
  if (quarantine !== undefined) return AdapterVersion_State.STATE_QUARANTINED;
  return checked ? AdapterVersion_State.STATE_READY : AdapterVersion_State.STATE_DECLARED;
}

const stateNames: Readonly<Record<AdapterVersion_State, string>> = {
  [AdapterVersion_State.STATE_UNSPECIFIED]: "",
  [AdapterVersion_State.STATE_READY]: "READY",
  [AdapterVersion_State.STATE_DECLARED]: "DECLARED",
  [AdapterVersion_State.STATE_QUARANTINED]: "QUARANTINED",
  [AdapterVersion_State.STATE_DELETED]: "DELETED",
  [AdapterVersion_State.UNRECOGNIZED]: "",
};

/** A state without its prefix, as errors and filters have it. */
export function stateName(state: AdapterVersion_State): string {
  return stateNames[state];
}
