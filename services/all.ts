import { join } from "node:path";
import { type ExportConfiguration, readExportConfiguration } from "./export/configuration.ts";
import { openExport } from "./export/service.ts";
import { type RunningService, startService } from "./kit/start.ts";
import { type RegistryConfiguration, readRegistryConfiguration } from "./registry/configuration.ts";
import { openRegistry } from "./registry/service.ts";
import { configuredExport, ownExport } from "./registry/training/export-access.ts";
import { systemClock } from "./store/clock.ts";
import type { Clock } from "./store/store.ts";

export interface AllConfigurations {
  /** Also says where tokens are kept and where all services listen. */
  readonly export: ExportConfiguration;
  /** Its own store and artifacts; what it says of server, log and metrics does not count. */
  readonly registry: RegistryConfiguration;
}

/**
 * Reads them from keys that count for the whole process, and what the environment says of each service. The registry's data is in the folder
 * `registry` of `data_directory`. Throws ConfigurationError.
 */
export function readAllConfigurations(
  values: Readonly<Record<string, unknown>> & { readonly data_directory: string },
  environment: Readonly<Record<string, string | undefined>> = {},
): AllConfigurations {
  const registry = { ...values, data_directory: join(values.data_directory, "registry") };
  return {
    export: readExportConfiguration({ values, environment }),
    registry: readRegistryConfiguration({ values: registry, environment }),
  };
}

/** Starts all services at one address, with one set of tokens; the registry finds the export service by itself. Rejects as `startService` does. */
export function startAll(configurations: AllConfigurations, clock: Clock = systemClock): Promise<RunningService> {
  return startService(configurations.export, clock, async (parts, stack, process) => {
    const registryParts = await process.openParts(configurations.registry);
    const access = stack.use(configuredExport(configurations.registry) ?? ownExport(process));
    return [
      ...(await openExport(configurations.export, parts, stack)),
      ...(await openRegistry(configurations.registry, registryParts, access, stack)),
    ];
  });
}
