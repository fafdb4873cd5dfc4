import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type Channel, ChannelCredentials, createChannel } from "nice-grpc";
import type { Scope } from "../../kit/call.ts";
import { ConfigurationError } from "../../kit/configuration-error.ts";
import { fileProblem } from "../../kit/file-problem.ts";
import type { ProcessParts } from "../../kit/start.ts";
import type { RegistryConfiguration } from "../configuration.ts";

/** How the registry reaches the export service. A call carries the token, and whom it is for in the header `loraloop-tenant`. */
export interface ExportAccess extends Disposable {
  /** Settles once it is known where the service is; rejects where this process, which would serve it too, does not start. */
  readonly channel: Promise<Channel>;
  /** A bearer token of the tenant `system` with the scope `tenant.any`. */
  token(): Promise<string>;
}

/** The access that is configured, if any. Throws ConfigurationError. */
export function configuredExport(configuration: RegistryConfiguration): ExportAccess | undefined {
  const { export_address: address, export_token_file: tokenFile, export_tls_ca_file: caFile } = configuration;
  if (address === undefined) return undefined;
  if (tokenFile === undefined) throw new ConfigurationError(`"export_address" needs "export_token_file".`);
  const credentials =
    caFile === undefined
      ? ChannelCredentials.createInsecure()
      : ChannelCredentials.createSsl(readPem("export_tls_ca_file", caFile));
  const channel = createChannel(address, credentials);
  return {
    channel: Promise.resolve(channel),
    // Read for each use, so that a new token needs no restart.
    token: async () => (await readFile(tokenFile, "utf8")).trim(),
    [Symbol.dispose]: () => channel.close(),
  };
}

/** What the registry's calls need of the export service. */
const scopes: readonly Scope[] = ["tenant.any", "export.read", "export.write", "run.read"];

/** The access to the export service in the same process. */
export function ownExport(process: Pick<ProcessParts, "channel" | "issueToken">): ExportAccess {
  const token = process.issueToken(scopes);
  return { channel: process.channel, token: async () => token, [Symbol.dispose]: () => undefined };
}

function readPem(key: string, file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new ConfigurationError(`"${key}": ${fileProblem(cause, file) ?? (cause as Error).message}`, { cause });
  }
}
