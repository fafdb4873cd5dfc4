#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { adapter } from "./commands/adapter.ts";
import { baseModel } from "./commands/base-model.ts";
import { dataset } from "./commands/dataset.ts";
import { doctor } from "./commands/doctor.ts";
import { exportFiles } from "./commands/export.ts";
import { ingest } from "./commands/ingest.ts";
import { plan } from "./commands/plan.ts";
import { preview } from "./commands/preview.ts";
import { pushToHub } from "./commands/push-to-hub.ts";
import { run } from "./commands/run.ts";
import { serve } from "./commands/serve.ts";
import { snapshot } from "./commands/snapshot.ts";
import { stream } from "./commands/stream.ts";
import { token } from "./commands/token.ts";
import { up } from "./commands/up.ts";
import { validate } from "./commands/validate.ts";
import { exitCodeOf, reportFailure } from "./failure.ts";
import { withoutSecrets } from "./plain-text.ts";
import { programOptions } from "./session.ts";

const program = new Command("loraloop")
  .description("From living documents to LoRA adapters that may serve.")
  .version("0.1.0")
  .option("--address <host:port>", "the server (LORALOOP_ADDRESS; else the one that runs on this machine)")
  .option("--tls", "encrypt, and trust the system's certificate authorities")
  .option("--tls-ca <file>", "encrypt, and trust this certificate authority (PEM)")
  .option("--json", "print JSON for programs, errors too")
  .showHelpAfterError("Run with --help to see what there is.")
  .exitOverride()
  .configureOutput({ writeErr });

const data = [ingest, dataset, preview, validate, snapshot, stream, exportFiles, pushToHub];
const training = [plan, run];
const registry = [adapter, baseModel];
for (const command of [up, serve, ...data, ...training, ...registry, token, doctor]) program.addCommand(command());
for (const command of program.commands)
  for (const each of [command, ...command.commands])
    each.exitOverride().showHelpAfterError().configureOutput({ writeErr });

function isJson(): boolean {
  return programOptions(program).json === true;
}

/** Programs are told of wrong usage as of other errors. */
function writeErr(text: string): void {
  if (!isJson()) process.stderr.write(withoutSecrets(text));
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(0);
  reportFailure(new Error(`What was printed could not be written: ${error.message}.`), isJson());
  process.exit();
});

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said already what is wrong, or printed the help that was asked for.
  if (error instanceof CommanderError && (!isJson() || error.exitCode === 0)) process.exitCode = exitCodeOf(error);
  else reportFailure(error, isJson());
}
