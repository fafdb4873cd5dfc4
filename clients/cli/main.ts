#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { exitCodeOf, reportFailure } from "./failure.ts";
import { withoutSecrets } from "./plain-text.ts";
import { programOptions } from "./session.ts";

/** In the order of the help. */
const commands: Readonly<Record<string, () => Promise<() => Command>>> = {
  up: async () => (await import("./commands/up.ts")).up,
  serve: async () => (await import("./commands/serve.ts")).serve,
  ingest: async () => (await import("./commands/ingest.ts")).ingest,
  dataset: async () => (await import("./commands/dataset.ts")).dataset,
  preview: async () => (await import("./commands/preview.ts")).preview,
  validate: async () => (await import("./commands/validate.ts")).validate,
  snapshot: async () => (await import("./commands/snapshot.ts")).snapshot,
  stream: async () => (await import("./commands/stream.ts")).stream,
  export: async () => (await import("./commands/export.ts")).exportFiles,
  "push-to-hub": async () => (await import("./commands/push-to-hub.ts")).pushToHub,
  plan: async () => (await import("./commands/plan.ts")).plan,
  run: async () => (await import("./commands/run.ts")).run,
  adapter: async () => (await import("./commands/adapter.ts")).adapter,
  "base-model": async () => (await import("./commands/base-model.ts")).baseModel,
  token: async () => (await import("./commands/token.ts")).token,
  doctor: async () => (await import("./commands/doctor.ts")).doctor,
};

/** The command that was asked for, else all: what the others need would cost a server memory, and everybody time. */
function wantedCommands(): readonly (() => Promise<() => Command>)[] {
  const first = process.argv[2] ?? "";
  const wanted = Object.hasOwn(commands, first) ? commands[first] : undefined;
  return wanted === undefined ? Object.values(commands) : [wanted];
}

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

for (const load of wantedCommands()) program.addCommand((await load())());
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
