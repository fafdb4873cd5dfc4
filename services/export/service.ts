import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { RunServiceDefinition } from "../../proto/gen/loraloop/export/v1/run_service.ts";
import type { Service } from "../kit/service.ts";
import { type RunningService, type ServiceParts, startService } from "../kit/start.ts";
import { systemClock } from "../store/clock.ts";
import type { Clock } from "../store/store.ts";
import type { ExportConfiguration } from "./configuration.ts";
import { openContext } from "./context.ts";
import { corpusService } from "./corpus-service.ts";
import { encoders, exportService } from "./export-service.ts";
import { runService } from "./run-service.ts";

/** Starts corpus, export, run and token services over one store. Rejects as `startService` does. */
export function startExport(configuration: ExportConfiguration, clock: Clock = systemClock): Promise<RunningService> {
  return startService(configuration, clock, (parts, stack) => openExport(configuration, parts, stack));
}

/** Opens corpus, export and run services over a store that is open; `stack` closes what they need. */
export async function openExport(
  configuration: ExportConfiguration,
  parts: ServiceParts,
  stack: AsyncDisposableStack,
): Promise<readonly Service[]> {
  const context = await openContext(configuration, parts, stack);
  return [
    { definition: CorpusServiceDefinition, implementation: corpusService(context) },
    { definition: ExportServiceDefinition, implementation: exportService(context), encoders },
    { definition: RunServiceDefinition, implementation: runService(context) },
  ];
}
