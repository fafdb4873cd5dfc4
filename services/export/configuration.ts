import { availableParallelism } from "node:os";
import { z } from "zod";
import { type ConfigurationSources, readConfiguration, serverKeys } from "../kit/configuration.ts";

/** Keys of the export service's configuration file; in the environment `LORALOOP_EXPORT_<KEY IN CAPITALS>`. */
const schema = z.strictObject({
  ...serverKeys,
  /** Worker threads that render samples, at most; one less than there are cores by default, and no more than 4. */
  rendering_threads: z
    .int()
    .min(1)
    .max(64)
    .default(Math.max(1, Math.min(4, availableParallelism() - 1))),
  /**
   * Disk space for the snapshots that streams make, all tenants together, in GiB; a fifth of the disk of `data_directory` by default. Above
   * it the longest unread ones go.
   */
  stream_snapshots_gib: z.number().positive().optional(),
  /** Folder with exporters that add formats; none by default. */
  plugins_directory: z.string().min(1).optional(),
  /** Memory for the frames of all streams together, in MiB. */
  stream_memory_mib: z.int().min(1).max(16_384).default(64),
});

export type ExportConfiguration = z.infer<typeof schema>;

/** Reads the configuration of the export service. Throws ConfigurationError, which names the key. */
export function readExportConfiguration(sources: Omit<ConfigurationSources, "environmentPrefix">): ExportConfiguration {
  return readConfiguration(schema, { ...sources, environmentPrefix: "LORALOOP_EXPORT_" });
}
