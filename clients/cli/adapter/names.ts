import { type AdapterVersion, AdapterVersion_State, Layer_Kind, Method } from "../../typescript/src/index.ts";
import { enumName } from "../names.ts";

/** `QUARANTINED`. */
export function versionStateName({ state }: Pick<AdapterVersion, "state">): string {
  return enumName(AdapterVersion_State, state, "STATE_");
}

/** `QLORA`. */
export function methodName(method: Method): string {
  return enumName(Method, method, "METHOD_");
}

/** `TRANSPOSED_LINEAR`. */
export function layerKindName(kind: Layer_Kind): string {
  return enumName(Layer_Kind, kind, "KIND_");
}
