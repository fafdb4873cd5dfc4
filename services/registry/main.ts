import { parseArgs } from "node:util";
import { limitMemory, runService } from "../kit/main.ts";
import { readRegistryConfiguration } from "./configuration.ts";
import { startRegistry } from "./service.ts";

/** Serves until a signal ends it. @param file JSON configuration; the environment (`LORALOOP_REGISTRY_…`) overrides it. */
export async function serveRegistry(file?: string, onError?: (error: unknown) => void): Promise<void> {
  limitMemory(8);
  const start = async () => {
    const configuration = readRegistryConfiguration({ ...(file && { file }), environment: process.env });
    return { service: await startRegistry(configuration), drainSeconds: configuration.drain_seconds };
  };
  await runService("registry", start, onError);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  await serveRegistry(values.config);
}
