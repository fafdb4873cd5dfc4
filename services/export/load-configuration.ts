import { ThreadCalls } from "../kit/thread-calls.ts";
import type { ExportConfiguration } from "./configuration.ts";

/**
 * Reads the configuration from a file and the environment, in a thread that ends with it: the library that checks it takes 5 MB, which
 * the server does not keep. Rejects with ConfigurationError.
 */
export async function loadConfiguration(file: string | undefined): Promise<ExportConfiguration> {
  await using thread = new ThreadCalls<string | undefined, ExportConfiguration>(
    new URL("./configuration-thread.ts", import.meta.url),
    { name: "configuration", resourceLimits: { maxYoungGenerationSizeMb: 3 } },
  );
  return await thread.ask(file);
}
