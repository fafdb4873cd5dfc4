import { Command } from "commander";
import { printOutcome } from "../../adapter/print-versions.ts";
import { withRegistry } from "../../session.ts";

export function resolve(): Command {
  return new Command("resolve")
    .description("print the version that an alias points at, where it may be served")
    .argument("<name>", "legal@production, or legal@3")
    .option("--engine <engine>", "only where this kind of server can serve it, e.g. vllm", "")
    .action(run);
}

async function run(name: string, options: { readonly engine: string }, command: Command): Promise<void> {
  await withRegistry(command, async (registry) => {
    const version = await registry.resolve(name, options);
    printOutcome(version, command, (each) => each.name);
  });
}
