import { existsSync } from "node:fs";
import { join } from "node:path";
import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Service } from "../kit/service.ts";
import { type RunningService, startService } from "../kit/start.ts";
import { systemClock } from "../store/clock.ts";
import type { Clock } from "../store/store.ts";
import type { ExportConfiguration } from "./configuration.ts";
import { openContext } from "./context.ts";

/** Starts corpus, export and token services over one store. Rejects as `startService` does. */
export function startExport(configuration: ExportConfiguration, clock: Clock = systemClock): Promise<RunningService> {
  return startService(configuration, clock, async (parts, stack) => {
    const context = await openContext(configuration, parts, stack);
    const services: Service[] = [];
    for (const [file, name, definition] of [
      ["corpus-service.ts", "corpusService", CorpusServiceDefinition],
      ["export-service.ts", "exportService", ExportServiceDefinition],
    ] as const) {
      if (!existsSync(join(import.meta.dirname, file))) continue;
      const module = await import(/* @vite-ignore */ `./${file}`);
      services.push({ definition, implementation: module[name](context), encoders: module.encoders });
    }
    return services;
  });
}
