import { Command } from "commander";
import { signatureText } from "../../adapter/describe-version.ts";
import { printOutcome } from "../../adapter/print-versions.ts";
import { readText } from "../../read-text.ts";
import { withRegistry } from "../../session.ts";

export function sign(): Command {
  return new Command("sign")
    .description("sign the digests of a version's files")
    .argument("<name>", "legal@3 or legal@production")
    .requiredOption("--key <file>", "private Ed25519 key, PEM (openssl genpkey -algorithm ed25519)")
    .action(run);
}

async function run(name: string, { key }: { readonly key: string }, command: Command): Promise<void> {
  const privateKey = await readText(key);
  await withRegistry(command, async (registry) => {
    const version = await registry.sign(name, privateKey);
    printOutcome(version, command, (each) => `${each.name} is signed ${signatureText(each)}.`);
  });
}
