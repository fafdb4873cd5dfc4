import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createChannel } from "nice-grpc";
import { afterAll, beforeAll, expect, test } from "vitest";
import { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  FindVersionsRequest,
  GetLineageRequest,
  RegisterVersionRequest,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import type { Call } from "../../kit/call.ts";
import type { RegistryContext } from "../context.ts";
import { findVersions } from "../handlers/find-versions.ts";
import { getLineage } from "../handlers/get-lineage.ts";
import { registerVersion } from "../handlers/register-version.ts";
import { ExportClient } from "./export-client.ts";

/** Takes connections and answers nothing. */
let server: Server;
const sockets: Socket[] = [];
let place: RegistryPlace;
let context: RegistryContext;
let artifact: string;
let channel: ReturnType<typeof createChannel>;

beforeAll(async () => {
  server = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
  await once(server, "listening");
  channel = createChannel(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  place = await RegistryPlace.open("memory");
  artifact = await place.keepAdapter();
  const provenance = AdapterVersion.fromPartial({ provenance: { run: "r" } }).provenance;
  await place.makeVersion("a", { provenance });
});
afterAll(async () => {
  channel.close();
  await place[Symbol.asyncDispose]();
  for (const socket of sockets) socket.destroy();
  server.close();
});

const calls = {
  GetLineage: (call: Call) => getLineage(context)(GetLineageRequest.create({ version: "a@1" }), call),
  FindVersions: (call: Call) => {
    const origin = { $case: "subject", value: { collection: "", subject: "somebody" } } as const;
    return findVersions(context)(FindVersionsRequest.create({ origin }), call);
  },
  RegisterVersion: (call: Call) => {
    const files = { $case: "artifact", value: artifact } as const;
    return registerVersion(context)(RegisterVersionRequest.create({ adapter: "b", files, run: "r" }), call);
  },
};

test.each(Object.entries(calls))("a cancelled %s waits for no export service", async (_method, make) => {
  const cancel = new AbortController();
  const asked = Promise.withResolvers<void>();
  const token = async () => {
    asked.resolve();
    return "token";
  };
  const access = { channel: Promise.resolve(channel), token, [Symbol.dispose]: () => undefined };
  context = { ...place.context, exportClient: new ExportClient(access) };
  const call = make({ caller: registryCaller, signal: cancel.signal } as Call);
  await asked.promise;
  cancel.abort(new Error("no longer wanted"));
  await expect(call).rejects.toThrow("no longer wanted");
});
