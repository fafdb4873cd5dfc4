import type { Client as ServiceClient } from "nice-grpc";
import type { AdapterServiceDefinition } from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { ArtifactServiceDefinition } from "../../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import type { BaseModelServiceDefinition } from "../../../../proto/gen/loraloop/registry/v1/base_model_service.ts";

/** The services of a registry, as their protos say. */
export interface RegistryServices {
  readonly adapters: ServiceClient<typeof AdapterServiceDefinition>;
  readonly artifacts: ServiceClient<typeof ArtifactServiceDefinition>;
  readonly baseModels: ServiceClient<typeof BaseModelServiceDefinition>;
}
