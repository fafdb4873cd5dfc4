import type { Servability } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { type AdapterVersion, AdapterVersion_State as State } from "../../typescript/src/index.ts";

/** Why a version is not served anywhere, whatever engines could do with its files; undefined for one in service. */
export function whyNotServed({ state }: Pick<AdapterVersion, "state">): string | undefined {
  switch (state) {
    case State.STATE_QUARANTINED:
      return "it is quarantined";
    case State.STATE_DECLARED:
      return "its files were not checked yet";
    case State.STATE_DELETED:
      return "it is deleted";
    default:
      return undefined;
  }
}

/** Which engines can serve a version as it stands: none that is not in service. */
export function servabilityNow(version: AdapterVersion): Servability[] {
  const whyNot = whyNotServed(version);
  if (whyNot === undefined) return version.servability;
  return version.servability.map((one) => ({ ...one, servable: false, problems: [whyNot, ...one.problems] }));
}
