import { type AdapterVersion, AdapterVersion_State as State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { versionNotServable } from "./adapter-errors.ts";

/** Lets a version pass that is in service and that an engine, if one is named, can serve. Throws VERSION_NOT_SERVABLE. */
export function checkServable(version: AdapterVersion, engine: string): void {
  if (version.state !== State.STATE_READY) throw versionNotServable(version, version.state, whyNot(version));
  if (engine !== "") checkEngine(version, engine);
}

function whyNot({ state, quarantine }: AdapterVersion): string {
  switch (state) {
    case State.STATE_QUARANTINED:
      return `it is quarantined: ${quarantine?.reason.replace(/\.$/, "")}`;
    case State.STATE_DECLARED:
      return "its files were not checked yet; VerifyVersion checks them";
    default:
      return "it is deleted; RestoreVersion brings it back";
  }
}

function checkEngine(version: AdapterVersion, engine: string): void {
  const { state, servability } = version;
  const found = servability.find((one) => one.engine === engine);
  if (found?.servable === true) return;
  const known = servability.map((one) => one.engine).join(", ");
  const problem = found?.problems.join("; ") ?? `nothing is known of this engine, only of ${known}`;
  throw versionNotServable(version, state, problem, engine);
}
