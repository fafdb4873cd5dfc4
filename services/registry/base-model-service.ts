import type { BaseModelServiceImplementation } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { RegistryContext } from "./context.ts";

/** Every method of `BaseModelService` with its handler. */
export function baseModelService(_context: RegistryContext): Partial<BaseModelServiceImplementation<CallExtension>> {
  return {};
}
