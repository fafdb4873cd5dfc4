import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { type Channel, ChannelCredentials, createChannel } from "nice-grpc";
import type { ServerConfiguration } from "./configuration.ts";

/** TLS takes no IP address for a server's name; which name it is does not count. */
const options = { "grpc.ssl_target_name_override": "localhost" };

/** How a service calls another one of its own process: by gRPC, like anybody else. */
export class OwnChannel implements Disposable {
  readonly #opened = Promise.withResolvers<Channel>();

  constructor() {
    this.#opened.promise.catch(() => undefined);
  }

  /** Resolves once the server listens; rejects where it does not start. */
  get channel(): Promise<Channel> {
    return this.#opened.promise;
  }

  /** @param address where the server of this configuration listens */
  open(address: string, configuration: ServerConfiguration): void {
    this.#opened.resolve(createChannel(address, credentials(configuration), options));
  }

  /** Nothing is going to listen. */
  abandon(): void {
    this.#opened.reject(new Error("The server did not start."));
  }

  [Symbol.dispose](): void {
    this.abandon();
    this.#opened.promise.then((channel) => channel.close()).catch(() => undefined);
  }
}

/** What the server shows is compared with the very certificate that it was given, whatever names are in it. */
function credentials({ tls_certificate_file: certificate }: ServerConfiguration): ChannelCredentials {
  if (certificate === undefined) return ChannelCredentials.createInsecure();
  const context = createSecureContext({ ca: readFileSync(certificate), allowPartialTrustChain: true });
  return ChannelCredentials.createFromSecureContext(context, { checkServerIdentity: () => undefined });
}
