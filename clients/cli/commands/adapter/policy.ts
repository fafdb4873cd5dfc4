import { Command } from "commander";
import type { SignaturePolicy, TrustedKey } from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { collect } from "../../adapter/key-values.ts";
import { InputError } from "../../failure.ts";
import { print, printJson, printTable } from "../../output.ts";
import { readText } from "../../read-text.ts";
import { programOptions, withRegistry } from "../../session.ts";

interface PolicyOptions {
  readonly required?: boolean;
  readonly trust?: readonly string[];
  readonly description: string;
  readonly distrust?: readonly string[];
}

export function policy(): Command {
  return new Command("policy")
    .description("print which signatures this tenant asks for, or change it")
    .option("--required", "nothing is registered, resolved or downloaded without a trusted signature")
    .option("--no-required", "signatures are welcome, not asked for")
    .option("--trust <file>", "trust this Ed25519 public key, PEM; may be given several times", collect)
    .option("--description <text>", "whose the keys of --trust are", "")
    .option("--distrust <id>", "trust the key of this id no more; may be given several times", collect)
    .action(run);
}

async function run(options: PolicyOptions, command: Command): Promise<void> {
  const { required, trust = [], distrust = [], description } = options;
  const added = await Promise.all(trust.map(async (file) => ({ publicKey: await readText(file), description })));
  await withRegistry(command, async ({ adapters }) => {
    const read = await adapters.getSignaturePolicy({});
    let found = read.policy;
    const { trustedKeys = [] } = found ?? {};
    if (required !== undefined || added.length + distrust.length > 0) {
      const kept = trustedKeys.filter(({ keyId }) => !distrust.includes(keyId));
      if (kept.length + distrust.length !== trustedKeys.length)
        throw new InputError(`No key of these ids is trusted: ${distrust.join(", ")}`);
      const changed = {
        required: required ?? found?.required ?? false,
        trustedKeys: [...kept, ...added.filter((key) => !holds(kept, key))],
      };
      found = (await adapters.putSignaturePolicy({ policy: changed, expectedRevision: read.revision })).policy;
    }
    if (programOptions(command).json) printJson(found);
    else if (found !== undefined) describe(found);
  });
}

/** By the bytes of the key, however its text is broken into lines. */
function holds(keys: readonly Pick<TrustedKey, "publicKey">[], { publicKey }: Pick<TrustedKey, "publicKey">): boolean {
  return keys.some((key) => key.publicKey.replace(/\s/g, "") === publicKey.replace(/\s/g, ""));
}

function describe({ required, trustedKeys }: SignaturePolicy): void {
  print(required ? "Trusted signatures are required." : "Signatures are not required.");
  if (trustedKeys.length === 0) return;
  print();
  printTable(
    ["KEY", "WHOSE"],
    trustedKeys.map(({ keyId, description }) => [keyId, description || "-"]),
  );
}
