import { SchemaWorker } from "../kit/schema/schema-worker.ts";
import type { ServiceParts } from "../kit/start.ts";
import type { RegistryConfiguration } from "./configuration.ts";
import type { ExportAccess } from "./training/export-access.ts";

/** What every handler and command of the registry gets. Each part opens in `openContext` and closes in reverse order. */
export interface RegistryContext extends ServiceParts {
  readonly configuration: RegistryConfiguration;
  /** How the export service is reached; undefined where none is configured. */
  readonly exportAccess: ExportAccess | undefined;
  /** Checks the JSON Schemas that callers send. */
  readonly schemas: SchemaWorker;
}

/** Opens what the service has beyond the kit; `stack` closes it after the last call has ended. */
export async function openContext(
  configuration: RegistryConfiguration,
  parts: ServiceParts,
  exportAccess: ExportAccess | undefined,
  stack: AsyncDisposableStack,
): Promise<RegistryContext> {
  const schemas = stack.use(new SchemaWorker());
  return { ...parts, configuration, exportAccess, schemas };
}
