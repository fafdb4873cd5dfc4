import type { AdapterServiceImplementation } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { RegistryContext } from "./context.ts";

/** Every method of `AdapterService` with its handler. */
export function adapterService(_context: RegistryContext): Partial<AdapterServiceImplementation<CallExtension>> {
  return {};
}
