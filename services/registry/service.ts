import { AdapterServiceDefinition } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import type { Service } from "../kit/service.ts";
import { type RunningService, type ServiceParts, startService } from "../kit/start.ts";
import { systemClock } from "../store/clock.ts";
import type { Clock } from "../store/store.ts";
import { adapterService } from "./adapter-service.ts";
import { artifactService } from "./artifact-service.ts";
import { baseModelService } from "./base-model-service.ts";
import type { RegistryConfiguration } from "./configuration.ts";
import { openContext } from "./context.ts";
import { configuredExport, type ExportAccess } from "./training/export-access.ts";

/** Starts base model, artifact, adapter and token services over one store. Rejects as `startService` does. */
export function startRegistry(
  configuration: RegistryConfiguration,
  clock: Clock = systemClock,
): Promise<RunningService> {
  return startService(configuration, clock, (parts, stack) => {
    const access = configuredExport(configuration);
    if (access !== undefined) stack.use(access);
    return openRegistry(configuration, parts, access, stack);
  });
}

/** Opens the registry's services over a store that is open; `stack` closes what they need. @param access how it reaches the export service; nothing that needs it works without. */
export async function openRegistry(
  configuration: RegistryConfiguration,
  parts: ServiceParts,
  access: ExportAccess | undefined,
  stack: AsyncDisposableStack,
): Promise<readonly Service[]> {
  const context = await openContext(configuration, parts, access, stack);
  return [
    { definition: BaseModelServiceDefinition, implementation: baseModelService(context) },
    { definition: ArtifactServiceDefinition, implementation: artifactService(context) },
    { definition: AdapterServiceDefinition, implementation: adapterService(context) },
  ];
}
