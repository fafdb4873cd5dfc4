import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server, type ServiceImplementation } from "nice-grpc";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { AdapterServiceDefinition } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { BaseModelServiceDefinition } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { resultOf, startCommand } from "../support/command.ts";

const interrupted = { code: 130, signal: null, stdout: "", stderr: "loraloop: interrupted\n" };

let folder: string;
let server: Server;
let address: string;
let onCall: () => void;
let called: Promise<void>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-ctrl-c-"));
  await writeFile(join(folder, "README.md"), "---\nlibrary_name: peft\n---\n");
  server = createServer();
  for (const definition of [AdapterServiceDefinition, BaseModelServiceDefinition]) {
    const silent = Object.keys(definition.methods).map((method) => [method, neverAnswer]);
    server.add(definition, Object.fromEntries(silent) as ServiceImplementation<typeof definition>);
  }
  address = `127.0.0.1:${await server.listen("127.0.0.1:0")}`;
});

beforeEach(() => {
  ({ promise: called, resolve: onCall } = Promise.withResolvers<void>());
});

afterAll(async () => {
  server.forceShutdown();
  await rm(folder, { recursive: true });
});

async function neverAnswer(): Promise<never> {
  onCall();
  return await new Promise<never>(() => undefined);
}

function start(at: string, args: readonly string[]) {
  const env = { ...process.env, LORALOOP_ADDRESS: at, LORALOOP_TOKEN: "any", XDG_STATE_HOME: folder };
  return startCommand(args, { env, cwd: folder });
}

test.for([
  "adapter list",
  "adapter versions",
  "adapter verify big@1",
  "adapter verify big@1 --folder .",
  "adapter find --parent big@1",
  "adapter import README.md --format model-card",
  "adapter render big@1 --format model-card",
  "adapter sign big@1 --key README.md",
  "adapter alias big@live 1",
  "base-model list",
])("Ctrl-C ends what waits for an answer: %s", async (line) => {
  const child = start(address, line.split(" "));
  const result = resultOf(child);
  await called;
  child.kill("SIGINT");
  expect(await result).toEqual(interrupted);
});

test("Ctrl-C ends what waits for a connection", async () => {
  const sockets: Socket[] = [];
  const mute = createTcpServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(mute, "listening");
  const child = start(`127.0.0.1:${(mute.address() as AddressInfo).port}`, ["dataset", "list"]);
  const result = resultOf(child);
  await once(mute, "connection");
  child.kill("SIGINT");
  expect(await result).toEqual(interrupted);
  for (const socket of sockets) socket.destroy();
  mute.close();
});
