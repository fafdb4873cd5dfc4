import type { ClientMiddleware, CompatServiceDefinition, Client as ServiceClient } from "nice-grpc";
import { type Channel, createClientFactory, Metadata, Status, waitForChannelReady } from "nice-grpc";
import { retryMiddleware } from "nice-grpc-client-middleware-retry";
import { errorDetailsClientMiddleware } from "nice-grpc-error-details";
import { type ConnectionOptions, type FoundServer, openChannel } from "./connection.ts";
import { ConnectionError, toLoraloopError } from "./errors.ts";
import { untilAborted } from "./until-aborted.ts";

/** Throws LoraloopErrors instead of gRPC's. */
const errorMiddleware: ClientMiddleware = async function* (call, options) {
  try {
    return yield* call.next(call.request, options);
  } catch (error) {
    throw toLoraloopError(error);
  }
};

/** Lets a signal end every call, beside the one that a call has of its own. */
function endedBy(signal: AbortSignal): ClientMiddleware {
  return (call, options) => {
    const both = options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]);
    return call.next(call.request, { ...options, signal: both });
  };
}

/** A connection to one server, with one token. Connects with the first call. */
export class Link {
  readonly address: string;
  readonly #token: string;
  readonly #signal: AbortSignal | undefined;
  readonly #channel: Channel;

  constructor({ address, token }: FoundServer, { tls, signal }: Pick<ConnectionOptions, "tls" | "signal">) {
    this.address = address;
    this.#token = token;
    this.#signal = signal;
    this.#channel = openChannel(address, tls);
  }

  /** A service of that server; its idempotent unary calls are retried while the server is away. */
  open<Definition extends CompatServiceDefinition>(definition: Definition): ServiceClient<Definition> {
    // What is used last sees an error last.
    const factory = createClientFactory().use(errorDetailsClientMiddleware).use(retryMiddleware).use(errorMiddleware);
    const ended = this.#signal === undefined ? factory : factory.use(endedBy(this.#signal));
    return ended.create(definition, this.#channel, {
      "*": {
        metadata: Metadata({ authorization: `Bearer ${this.#token}` }),
        retryableStatuses: [Status.UNAVAILABLE],
        retryMaxAttempts: 5,
        retryBaseDelayMs: 100,
      },
    });
  }

  /** Waits until the server can be reached. Throws ConnectionError after `seconds`. */
  async connect(seconds: number): Promise<void> {
    try {
      await untilAborted(waitForChannelReady(this.#channel, new Date(Date.now() + seconds * 1000)), this.#signal);
    } catch (error) {
      this.#signal?.throwIfAborted();
      throw new ConnectionError(`The server at ${this.address} cannot be reached.`, { cause: error });
    }
  }

  /** Ends every call. Idempotent. */
  close(): void {
    this.#channel.close();
  }
}
