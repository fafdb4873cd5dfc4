import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Channel,
  type ChannelOptions,
  type Client,
  createChannel,
  type TsProtoServiceDefinition,
} from "nice-grpc";
import {
  ExportServiceDefinition,
  type ExportServiceImplementation,
} from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { systemTenant } from "../../services/kit/auth/keys.ts";
import { planTenant } from "../../services/kit/auth/tenants.ts";
import { newToken } from "../../services/kit/auth/tokens.ts";
import type { CallExtension, Scope } from "../../services/kit/call.ts";
import type { ServerConfiguration } from "../../services/kit/configuration.ts";
import { type Encoder, encoded } from "../../services/kit/encoded.ts";
import { type RunningService, type ServiceParts, startService } from "../../services/kit/start.ts";
import { systemClock } from "../../services/store/clock.ts";
import type { Micros } from "../../services/store/store.ts";
import { createClientWith, testConfiguration } from "./server.ts";

/** Methods of the export service as a test wants them; the others fail. */
export type TestMethods = Partial<ExportServiceImplementation<CallExtension>>;

export interface TokenOptions {
  readonly tenant?: string;
  readonly scopes?: readonly Scope[];
  readonly expires?: Micros;
}

export interface KitServer extends AsyncDisposable {
  readonly service: RunningService;
  readonly parts: ServiceParts;
  readonly channel: Channel;
  makeToken(options?: TokenOptions): Promise<{ readonly id: string; readonly secret: string }>;
  revoke(id: string): Promise<void>;
  /** With an admin token, or with the one given. */
  client<D extends TsProtoServiceDefinition>(definition: D, token?: string, options?: ChannelOptions): Client<D>;
}

/** The kit on a memory store, serving `methods` as the export service. */
export async function startKitServer(
  methods: TestMethods = {},
  overrides: Partial<ServerConfiguration> = {},
): Promise<KitServer> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "loraloop-kit-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const { promise: opened, resolve } = Promise.withResolvers<ServiceParts>();
  const service = stack.use(
    await startService(testConfiguration(folder, overrides), systemClock, async (parts) => {
      resolve(parts);
      return [{ definition: ExportServiceDefinition, implementation: complete(methods), encoders: partialEncoders() }];
    }),
  );
  const parts = await opened;
  const connect = (options?: ChannelOptions): Channel => {
    const channel = createChannel(service.address, undefined, options);
    stackOfChannels.defer(() => channel.close());
    return channel;
  };
  const stackOfChannels = stack.use(new DisposableStack());
  const channel = connect();
  const admin = await makeToken(parts, { scopes: ["admin"] });
  const open = stack.move();
  return {
    service,
    parts,
    channel,
    makeToken: (options = {}) => makeToken(parts, options),
    revoke: async (id) => {
      await parts.store.commit(systemTenant, [{ delete: Buffer.from(`token/${id}`) }]);
    },
    client: (definition, token = admin.secret, options) =>
      createClientWith(definition, options ? connect(options) : channel, token),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

async function makeToken({ store, clock }: ServiceParts, options: TokenOptions) {
  const { tenant: name = "default", scopes = ["admin"], expires } = options;
  const { tenant, mutations, expectations } = await planTenant({ store, clock }, name);
  const token = newToken({ description: "", tenant, scopes, ...(expires && { expires }) }, clock.now());
  await store.commit(systemTenant, [...mutations, token.mutation], expectations);
  return token;
}

function complete(methods: TestMethods): object {
  const missing = (): never => {
    throw new Error("This test does not serve the method.");
  };
  const all = Object.keys(ExportServiceDefinition.methods).map((key) => [key, missing]);
  return { ...Object.fromEntries(all), ...methods };
}

/** Tests say of a response what matters to them. */
function partialEncoders(): Record<string, (response: object) => Uint8Array> {
  const methods = Object.entries(ExportServiceDefinition.methods);
  return Object.fromEntries(
    methods.map(([key, { responseType }]) => [
      key,
      (response) => encoded(responseType as Encoder<unknown>, responseType.fromPartial(response)),
    ]),
  );
}
