import type { ServiceParts } from "../kit/start.ts";
import type { ExportConfiguration } from "./configuration.ts";
import { type ExporterRegistry, loadExporters } from "./rendering/exporter-registry.ts";
import { SchemaWorker } from "./rendering/schema/schema-worker.ts";

/** What every handler and command of the export service gets. Each part opens in `openContext` and closes in reverse order. */
export interface ExportContext extends ServiceParts {
  readonly configuration: ExportConfiguration;
  /** Blocks live below it. */
  readonly dataDirectory: string;
  /** The formats of samples, plugins included. */
  readonly exporters: ExporterRegistry;
  /** Checks the JSON Schemas that callers send. */
  readonly schemas: SchemaWorker;
}

/** Opens what the service has beyond the kit; `stack` closes it after the last call has ended. */
export async function openContext(
  configuration: ExportConfiguration,
  parts: ServiceParts,
  stack: AsyncDisposableStack,
): Promise<ExportContext> {
  const exporters = await loadExporters(configuration.plugins_directory);
  const schemas = stack.use(new SchemaWorker());
  return { configuration, dataDirectory: configuration.data_directory, exporters, schemas, ...parts };
}
