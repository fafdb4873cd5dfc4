import type { Command } from "commander";
import { Client, ConnectionError, type Registry } from "../typescript/src/index.ts";
import { reportFailure } from "./failure.ts";
import { readText } from "./read-text.ts";

/** Options of the program itself. */
export interface ProgramOptions {
  readonly address?: string;
  readonly tls?: true;
  readonly tlsCa?: string;
  readonly json?: true;
}

export function programOptions(command: Command): ProgramOptions {
  return command.optsWithGlobals<ProgramOptions>();
}

/** What a server that cannot start does under `--json`; undefined for its own line. */
export function startFailure(command: Command): ((error: unknown) => void) | undefined {
  return programOptions(command).json ? (error) => reportFailure(error, true) : undefined;
}

const connectSeconds = 5;
/** How long a command that is under way waits for the server to come back. */
export const reconnectSeconds = 60;

/** Runs `work` with a connected client; the first Ctrl-C ends its calls and aborts the signal, the second ends the program. */
export function withClient<T>(command: Command, work: (client: Client, signal: AbortSignal) => Promise<T>): Promise<T> {
  return withServer(command, (client) => client, work);
}

/** As `withClient`, with the registry, which may be another server. */
export function withRegistry<T>(
  command: Command,
  work: (registry: Registry, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withServer(command, ({ registry }) => registry, work);
}

async function withServer<Server extends Pick<Client, "connect" | "address">, T>(
  command: Command,
  serverOf: (client: Client) => Server,
  work: (server: Server, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { address, tls, tlsCa } = programOptions(command);
  const controller = new AbortController();
  const { signal } = controller;
  const interrupt = (): void => (signal.aborted ? process.exit(130) : controller.abort());
  process.on("SIGINT", interrupt);
  try {
    await using client = new Client({
      signal,
      ...(address !== undefined && { address }),
      ...(tls && { tls }),
      ...(tlsCa !== undefined && { tls: await readText(tlsCa) }),
    });
    const server = serverOf(client);
    await server.connect(connectSeconds).catch(({ message }: Error) => {
      signal.throwIfAborted();
      const setting = server.address === client.address ? "--address" : "LORALOOP_REGISTRY_ADDRESS";
      throw new ConnectionError(`${message} Is \`loraloop up\` running? Is ${setting} right?`);
    });
    return await work(server, signal);
  } finally {
    process.off("SIGINT", interrupt);
  }
}
