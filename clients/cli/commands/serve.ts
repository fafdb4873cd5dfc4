import { Command } from "commander";
import { startFailure } from "../session.ts";

/** One service as its own process. */
export function serve(): Command {
  const command = new Command("serve").description("run one service");
  command
    .command("export")
    .description("corpus and export: records in, samples out")
    .option("--config <file>", "JSON file; LORALOOP_EXPORT_… variables override it, see docs/configuration.md")
    .action(async (options: { readonly config?: string }, self: Command) => {
      const { serveExport } = await import("../../../services/export/main.ts");
      await serveExport(options.config, startFailure(self));
    });
  command
    .command("registry")
    .description("adapters, their versions, files and aliases")
    .option("--config <file>", "JSON file; LORALOOP_REGISTRY_… variables override it, see docs/configuration.md")
    .action(async (options: { readonly config?: string }, self: Command) => {
      const { serveRegistry } = await import("../../../services/registry/main.ts");
      await serveRegistry(options.config, startFailure(self));
    });
  return command;
}
