import type { AdapterChange } from "../../typescript/src/index.ts";
import { stateText } from "./describe-version.ts";

/** A change in a line. */
export function changeLine(change: AdapterChange): string {
  switch (change.$case) {
    case "adapter": {
      const { name, deleteTime } = change.value;
      return `adapter  ${name}  ${deleteTime === undefined ? "is there" : "deleted"}`;
    }
    case "version": {
      const { name, quarantine } = change.value;
      return `version  ${name}  ${stateText(change.value)}${quarantine === undefined ? "" : `: ${quarantine.reason}`}`;
    }
    case "aliasMove": {
      const { adapter, alias, fromVersion, toVersion, reason } = change.value;
      const versions = [fromVersion, toVersion].map((version) => (version === 0 ? "nothing" : version)).join(" → ");
      return `alias    ${adapter}@${alias}  ${versions}${reason === "" ? "" : `: ${reason}`}`;
    }
  }
}
