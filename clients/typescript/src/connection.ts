import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Channel, ChannelCredentials, type ChannelOptions, createChannel } from "nice-grpc";
import { ConnectionError } from "./errors.ts";
import { toToken } from "./token.ts";

export interface ConnectionOptions {
  /** `host:port`; by default `LORALOOP_ADDRESS`, else where `loraloop up` runs on this machine, else `127.0.0.1:50051`. */
  readonly address?: string;
  /** By default `LORALOOP_TOKEN`, else the token that `loraloop up` left on this machine for that address. */
  readonly token?: string;
  /** Where the registry is another server; by default `LORALOOP_REGISTRY_ADDRESS` and `LORALOOP_REGISTRY_TOKEN`, each as above where it is not set. */
  readonly registry?: { readonly address?: string; readonly token?: string };
  /** PEM of the authority that signed the server's certificate, or `true` for the system's; plain text by default. */
  readonly tls?: string | true;
  /** Ends every call, and the waiting of `connect`, with an AbortError. */
  readonly signal?: AbortSignal;
}

/** What `loraloop up` leaves in `$XDG_STATE_HOME/loraloop/server.json`. */
interface LocalServer {
  readonly address: string;
  readonly token_file: string;
}

/** Where the file of the server on this machine lies. */
export function localServerFile(environment: NodeJS.ProcessEnv = process.env): string {
  return join(environment["XDG_STATE_HOME"] || join(homedir(), ".local", "state"), "loraloop", "server.json");
}

function readLocalServer(): LocalServer | undefined {
  try {
    return JSON.parse(readFileSync(localServerFile(), "utf8")) as LocalServer;
  } catch {
    return undefined;
  }
}

function readLocalToken(address: string): string | undefined {
  const server = readLocalServer();
  if (server === undefined || !isSameServer(server.address, address)) return undefined;
  return toToken(readTokenFile(server.token_file), server.token_file);
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConnectionError(`The token of the server on this machine cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** All names of this machine's loopback are one server. */
function isSameServer(one: string, other: string): boolean {
  const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(?=:\d+$)/;
  return one.replace(loopback, "") === other.replace(loopback, "");
}

/** A server, and what opens it. */
export interface FoundServer {
  readonly address: string;
  readonly token: string;
}

/** Fills in what the options leave out. Throws ConnectionError where there is no token, or what can be none. */
export function findServer(options: ConnectionOptions): FoundServer {
  const address = options.address || process.env["LORALOOP_ADDRESS"] || readLocalServer()?.address || "127.0.0.1:50051";
  const token = givenToken(options.token, "The option `token`", "LORALOOP_TOKEN") ?? readLocalToken(address);
  if (token === undefined) {
    throw new ConnectionError(`No token for ${address}: set LORALOOP_TOKEN, or run where \`loraloop up\` runs.`);
  }
  return { address, token };
}

/** Where the registry is. @param server where everything else is */
export function findRegistry({ registry }: ConnectionOptions, server: FoundServer): FoundServer {
  return {
    address: registry?.address || process.env["LORALOOP_REGISTRY_ADDRESS"] || server.address,
    token: givenToken(registry?.token, "The option `registry.token`", "LORALOOP_REGISTRY_TOKEN") ?? server.token,
  };
}

/** What is given, else the environment. */
function givenToken(given: string | undefined, from: string, variable: string): string | undefined {
  return toToken(given, from) ?? toToken(process.env[variable], variable);
}

const channelOptions: ChannelOptions = {
  "grpc.max_receive_message_length": 16 * 1024 * 1024,
  "grpc.max_send_message_length": 16 * 1024 * 1024,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 15_000,
  "grpc.enable_http_proxy": 0,
  // A connection of its own: many quick cancels of a neighbour make Node close a shared one.
  "grpc.use_local_subchannel_pool": 1,
  "grpc-node.flow_control_window": 4 * 1024 * 1024,
};

export function openChannel(address: string, tls: string | true | undefined): Channel {
  const credentials =
    tls === undefined
      ? ChannelCredentials.createInsecure()
      : ChannelCredentials.createSsl(tls === true ? undefined : Buffer.from(tls));
  return createChannel(address, credentials, channelOptions);
}
