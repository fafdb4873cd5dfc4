import { parentPort, workerData } from "node:worker_threads";
import { ConfigurationError } from "../kit/configuration-error.ts";
import { readExportConfiguration } from "./configuration.ts";
import type { ConfigurationAnswer } from "./load-configuration.ts";

/** Reads one configuration. */

parentPort?.postMessage(answer(workerData as string | undefined));

function answer(file: string | undefined): ConfigurationAnswer {
  try {
    return { configuration: readExportConfiguration({ ...(file && { file }), environment: process.env }) };
  } catch (error) {
    if (error instanceof ConfigurationError) return { problem: error.message };
    throw error;
  }
}
