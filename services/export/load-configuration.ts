import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { ConfigurationError } from "../kit/configuration-error.ts";
import type { ExportConfiguration } from "./configuration.ts";

export type ConfigurationAnswer = { readonly configuration: ExportConfiguration } | { readonly problem: string };

/**
 * Reads the configuration from a file and the environment, in a thread that ends with it: the library that checks it takes 5 MB, which
 * the server does not keep. Rejects with ConfigurationError.
 */
export async function loadConfiguration(file: string | undefined): Promise<ExportConfiguration> {
  const worker = new Worker(new URL("./configuration-thread.ts", import.meta.url), {
    workerData: file,
    name: "configuration",
    resourceLimits: { maxYoungGenerationSizeMb: 3 },
  });
  const [answer] = (await once(worker, "message")) as [ConfigurationAnswer];
  await worker.terminate();
  if ("problem" in answer) throw new ConfigurationError(answer.problem);
  return answer.configuration;
}
