import { Status } from "nice-grpc";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ExportServiceDefinition, GetDatasetRequest } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { type KitServer, startKitServer } from "../../test/support/kit-server.ts";
import { openRawConnection, type RawConnection, rawFrame } from "../../test/support/raw-call.ts";
import { limits } from "./limits.ts";

const path = "/loraloop.export.v1.ExportService/GetDataset";
const request = GetDatasetRequest.encode(GetDatasetRequest.fromPartial({ name: "faq" })).finish();

describe("what no gRPC client sends", () => {
  let server: KitServer;
  let connection: RawConnection;
  let authorization: string;

  beforeAll(async () => {
    server = await startKitServer({
      getDataset: async ({ name }) => ({ dataset: { name } }),
      holdSnapshots: async () => ({}),
      async *watchSnapshot() {
        yield {};
      },
    });
    authorization = `Bearer ${(await server.makeToken()).secret}`;
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(() => {
    connection = openRawConnection(server.service.address);
  });
  afterEach(async () => {
    connection[Symbol.dispose]();
    const neighbour = await server.client(ExportServiceDefinition).getDataset({ name: "alive" });
    expect(neighbour.dataset?.name).toBe("alive");
  });

  async function send(bytes: Uint8Array, headers: Record<string, string> = {}) {
    const call = connection.call(path, { authorization, ...headers });
    call.stream.end(bytes);
    return await call.ended();
  }

  test("a request as it should be", async () => {
    expect(await send(rawFrame(request))).toMatchObject({ code: Status.OK });
  });

  test("garbage that says it is gzip", async () => {
    const garbage = rawFrame(Buffer.from("this is no gzip"), 1);
    expect(await send(garbage, { "grpc-encoding": "gzip" })).toMatchObject({ code: Status.INTERNAL });
  });

  test("an encoding that is not known is named", async () => {
    const compressed = rawFrame(request, 1);
    expect(await send(compressed, { "grpc-encoding": "br" })).toEqual({
      code: Status.UNIMPLEMENTED,
      message: expect.stringContaining("br"),
    });
  });

  test("a length of 4 GiB", async () => {
    expect(await send(rawFrame(request, 0, 0xffff_ffff))).toEqual({
      code: Status.RESOURCE_EXHAUSTED,
      message: expect.stringContaining("4294967295"),
    });
  });

  test("bytes that are no protobuf", async () => {
    expect(await send(rawFrame(Buffer.from([0x0a, 0xff])))).toMatchObject({ code: Status.INTERNAL });
  });

  test("a text that is not UTF-8", async () => {
    const text = Buffer.from([0x0a, 3, 0x61, 0xff, 0x62]);
    expect(await send(rawFrame(text))).toEqual({ code: Status.INTERNAL, message: "Error deserializing request" });
    const replacement = GetDatasetRequest.encode(GetDatasetRequest.fromPartial({ name: "\ufffd\ufeff" })).finish();
    expect(await send(rawFrame(replacement))).toMatchObject({ code: Status.OK });
  });

  test("messages in a list: message_parts pass, one more is LIMIT_EXCEEDED", { timeout: 30_000 }, async () => {
    // Each text has two parts of a byte: tag and length.
    const texts = Buffer.alloc(limits.message_parts, Buffer.from([0x12, 0]));
    const call = (bytes: Uint8Array) => {
      const started = connection.call("/loraloop.export.v1.ExportService/HoldSnapshots", { authorization });
      started.stream.end(rawFrame(bytes));
      return started.ended();
    };
    expect(await call(texts)).toMatchObject({ code: Status.OK });
    expect(await call(Buffer.concat([texts, Buffer.from([0x0a, 0])]))).toEqual({
      code: Status.INVALID_ARGUMENT,
      message: expect.stringContaining("message_parts"),
    });
  });

  test("what a stranger sends is not decoded: the token is refused before", async () => {
    expect(await send(rawFrame(Buffer.from([0x0a, 0xff])), { authorization: "" })).toMatchObject({
      code: Status.UNAUTHENTICATED,
    });
  });

  test("a message that breaks off", async () => {
    expect(await send(rawFrame(request).subarray(0, -1))).not.toMatchObject({ code: Status.OK });
  });

  test("a deadline in 30 days is one", async () => {
    expect(await send(rawFrame(request), { "grpc-timeout": "2592000S" })).toMatchObject({ code: Status.OK });
    expect(await send(rawFrame(request), { "grpc-timeout": "99999999H" })).toMatchObject({ code: Status.OK });
  });

  test("a deadline that is none", async () => {
    expect(await send(rawFrame(request), { "grpc-timeout": "abc" })).toMatchObject({ code: Status.INTERNAL });
  });

  test("1,600 calls that are cancelled at once hurt this connection only", async () => {
    for (let index = 0; index < 1_600; index += 1) {
      const { stream } = connection.call(path, { authorization });
      stream.on("error", () => undefined);
      stream.close();
    }
  });
});
