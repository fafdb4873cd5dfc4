import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Channel,
  type Client,
  type CompatServiceDefinition,
  createChannel,
  createClientFactory,
  Metadata,
} from "nice-grpc";
import { errorDetailsClientMiddleware } from "nice-grpc-error-details";
import { type ExportConfiguration, readExportConfiguration } from "../../services/export/configuration.ts";
import { startExport } from "../../services/export/service.ts";
import { systemTokenFile, tokenFile } from "../../services/kit/auth/first-start.ts";
import type { RunningService } from "../../services/kit/start.ts";

export interface TestServerOptions {
  /** Configuration beside data directory and ports, e.g. `{ store: "rocksdb" }`; the store is memory by default. */
  readonly configuration?: Partial<ExportConfiguration>;
  /** Kept at the end; a new folder that is removed at the end by default. */
  readonly dataDirectory?: string;
}

export interface TestServer extends AsyncDisposable {
  readonly service: RunningService;
  readonly address: string;
  readonly dataDirectory: string;
  /** Admin of the tenant `default`. */
  readonly token: string;
  /** Admin of the tenant `system`. */
  readonly systemToken: string;
  readonly channel: Channel;
  /** A client of one service; by default with `token`, with no token for "". */
  client<Definition extends CompatServiceDefinition>(definition: Definition, token?: string): Client<Definition>;
}

/** A real server on free ports of 127.0.0.1: `await using server = await startTestServer()`. */
export function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  return testServer(options, (values) =>
    startExport(readExportConfiguration({ values: { ...values, ...options.configuration } })),
  );
}

/** What `start` serves with these keys, with clients for it. */
export async function testServer(
  options: Pick<TestServerOptions, "dataDirectory">,
  start: (values: TestValues) => Promise<RunningService>,
): Promise<TestServer> {
  await using stack = new AsyncDisposableStack();
  const dataDirectory = options.dataDirectory ?? (await temporaryFolder(stack));
  const service = stack.use(await start(testValues(dataDirectory)));
  const channel = createChannel(service.address);
  stack.defer(() => channel.close());
  const token = await readSecret(tokenFile(dataDirectory));
  const systemToken = await readSecret(systemTokenFile(dataDirectory));
  const open = stack.move();
  return {
    service,
    address: service.address,
    dataDirectory,
    token,
    systemToken,
    channel,
    client: (definition, bearer = token) => createClientWith(definition, channel, bearer),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

export function testConfiguration(
  dataDirectory: string,
  overrides: Partial<ExportConfiguration> = {},
): ExportConfiguration {
  return readExportConfiguration({ values: { ...testValues(dataDirectory), ...overrides } });
}

/** Keys of a server's configuration in tests. */
export interface TestValues extends Readonly<Record<string, unknown>> {
  readonly data_directory: string;
}

function testValues(dataDirectory: string): TestValues {
  return { data_directory: dataDirectory, store: "memory", log_level: "silent", listen_port: 0, metrics_port: 0 };
}

/** A client that sends a bearer token with every call, unless it is "". */
export function createClientWith<Definition extends CompatServiceDefinition>(
  definition: Definition,
  channel: Channel,
  bearer: string,
): Client<Definition> {
  const metadata = bearer === "" ? Metadata() : Metadata({ authorization: `Bearer ${bearer}` });
  return createClientFactory()
    .use(errorDetailsClientMiddleware)
    .use((call, callOptions) => call.next(call.request, { ...callOptions, metadata }))
    .create(definition, channel);
}

async function temporaryFolder(stack: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "loraloop-test-"));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function readSecret(file: string): Promise<string> {
  return (await readFile(file, "utf8")).trim();
}
