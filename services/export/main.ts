import { parseArgs } from "node:util";
import { limitMemory, runService } from "../kit/main.ts";
import { loadConfiguration } from "./load-configuration.ts";

/** Serves until a signal ends it. @param file JSON configuration; the environment (`LORALOOP_EXPORT_…`) overrides it. */
export async function serveExport(file?: string, onError?: (error: unknown) => void): Promise<void> {
  limitMemory(1);
  const start = async () => {
    // Not before this process has replaced itself: it is most of the program.
    const [{ startExport }, configuration] = await Promise.all([import("./service.ts"), loadConfiguration(file)]);
    return { service: await startExport(configuration), drainSeconds: configuration.drain_seconds };
  };
  await runService("export", start, onError);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { config: { type: "string" } } });
  await serveExport(values.config);
}
