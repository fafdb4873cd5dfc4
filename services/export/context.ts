import type { ServiceParts } from "../kit/start.ts";
import type { ExportConfiguration } from "./configuration.ts";

/** What every handler and command of the export service gets. Each part opens in `openContext` and closes in reverse order. */
export interface ExportContext extends ServiceParts {
  readonly configuration: ExportConfiguration;
  /** Blocks live below it. */
  readonly dataDirectory: string;
}

/** Opens what the service has beyond the kit; `stack` closes it after the last call has ended. */
export async function openContext(
  configuration: ExportConfiguration,
  parts: ServiceParts,
  _stack: AsyncDisposableStack,
): Promise<ExportContext> {
  return { configuration, dataDirectory: configuration.data_directory, ...parts };
}
