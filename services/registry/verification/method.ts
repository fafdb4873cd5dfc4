import { Method, methodToJSON, type Quantization } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { fieldInvalid } from "../../kit/field.ts";
import type { LoraConfiguration } from "./lora-configuration.ts";

/** Methods without their prefix; empty for none. */
export const methodNames: Readonly<Record<Method, string>> = {
  [Method.METHOD_UNSPECIFIED]: "",
  [Method.METHOD_LORA]: "LORA",
  [Method.METHOD_QLORA]: "QLORA",
  [Method.METHOD_DORA]: "DORA",
  [Method.UNRECOGNIZED]: "",
};

/** How an adapter was trained, as its configuration and the quantisation tell. Throws FIELD_INVALID where that is not what was declared. */
export function methodOf(
  { useDora }: Pick<LoraConfiguration, "useDora">,
  declared: Method,
  quantization: Quantization | undefined,
): Method {
  const plain = quantization === undefined ? Method.METHOD_LORA : Method.METHOD_QLORA;
  const method = useDora ? Method.METHOD_DORA : plain;
  if (declared !== Method.METHOD_UNSPECIFIED && declared !== method) {
    const why = `${useDora ? "with" : "without"} use_dora in adapter_config.json, and ${quantization ? "a" : "no"} quantization`;
    throw fieldInvalid("method", methodToJSON(declared), `${methodToJSON(method)}, or none: ${why}`);
  }
  return method;
}
