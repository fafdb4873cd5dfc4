#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { dataset } from "./commands/dataset.ts";
import { doctor } from "./commands/doctor.ts";
import { ingest } from "./commands/ingest.ts";
import { preview } from "./commands/preview.ts";
import { serve } from "./commands/serve.ts";
import { snapshot } from "./commands/snapshot.ts";
import { stream } from "./commands/stream.ts";
import { token } from "./commands/token.ts";
import { up } from "./commands/up.ts";
import { validate } from "./commands/validate.ts";
import { exitCodeOf, explain } from "./failure.ts";

const program = new Command("loraloop")
  .description("From living documents to LoRA training samples.")
  .version("0.1.0")
  .option("--address <host:port>", "the server (LORALOOP_ADDRESS; else the one that runs on this machine)")
  .option("--tls", "encrypt, and trust the system's certificate authorities")
  .option("--tls-ca <file>", "encrypt, and trust this certificate authority (PEM)")
  .option("--json", "print JSON for programs")
  .showHelpAfterError("Run with --help to see what there is.")
  .exitOverride();

for (const command of [up, serve, ingest, dataset, preview, validate, snapshot, stream, token, doctor])
  program.addCommand(command());
for (const command of program.commands)
  for (const each of [command, ...command.commands]) each.exitOverride().showHelpAfterError();

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`loraloop: ${explain(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
