import { parseArgs } from "node:util";
import { limitMemory, runService } from "../kit/main.ts";

/** Serves until a signal ends it. @param file JSON configuration; the environment (`LORALOOP_REGISTRY_…`) overrides it. */
export async function serveRegistry(file?: string, onError?: (error: unknown) => void): Promise<void> {
  limitMemory(8);
  const start = async () => {
    // Not before this process has replaced itself: it is most of the program.
    const { readRegistryConfiguration } = await import("./configuration.ts");
    const { startRegistry } = await import("./service.ts");
    const configuration = readRegistryConfiguration({ ...(file && { file }), environment: process.env });
    return { service: await startRegistry(configuration), drainSeconds: configuration.drain_seconds };
  };
  await runService("registry", start, onError);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  await serveRegistry(values.config);
}
