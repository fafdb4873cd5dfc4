import { getDefaultHighWaterMark } from "node:stream";
import { expect, test } from "vitest";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { type KitServer, startKitServer } from "../../test/support/kit-server.ts";
import { openRawConnection, rawFrame } from "../../test/support/raw-call.ts";

const frameBytes = 256 * 1024;
const readers = 50;

test("50 readers that stop reading hold at most two waiting frames each; a cancel releases them", async () => {
  const produced: number[] = [];
  const started = counter(readers);
  const finished = counter(readers);
  await using server = await startKitServer({
    async getDataset() {
      return {};
    },
    async *streamSamples() {
      const reader = produced.push(0) - 1;
      started.add();
      try {
        for (;;) {
          produced[reader] = (produced[reader] ?? 0) + 1;
          yield frame();
        }
      } finally {
        finished.add();
      }
    },
  });
  const before = process.memoryUsage();
  const connections = Array.from({ length: readers }, () => openRawConnection(server.service.address));
  const { secret } = await server.makeToken({ scopes: ["export.read"] });
  for (const connection of connections) {
    const call = connection.call("/loraloop.export.v1.ExportService/StreamSamples", {
      authorization: `Bearer ${secret}`,
    });
    call.stream.end(rawFrame(new Uint8Array()));
  }
  await started.reached;
  await settle(server);
  const after = process.memoryUsage();

  // One on its way into the reader's window, which is smaller, and one that waits behind it.
  expect(new Set(produced)).toEqual(new Set([2]));
  expect((after.rss - before.rss) / 2 ** 20).toBeLessThan(100);

  for (const connection of connections) connection[Symbol.dispose]();
  await finished.reached;
  expect(getDefaultHighWaterMark(true)).toBe(16);
});

test("a reader that goes on gets every frame in order", async () => {
  await using server = await startKitServer({
    async *streamSamples() {
      for (let index = 0; index < 200; index += 1) yield checkpoint(index);
    },
  });
  const indices: bigint[] = [];
  for await (const { frame } of server.client(ExportServiceDefinition).streamSamples({})) {
    if (frame?.$case === "checkpoint") indices.push(frame.value.nextIndex);
  }
  expect(indices).toEqual(Array.from({ length: 200 }, (_, index) => BigInt(index)));
});

/** Enough turns of everybody's event loop for each generator to run into its limit. */
async function settle(server: KitServer): Promise<void> {
  const client = server.client(ExportServiceDefinition);
  for (let turn = 0; turn < 50; turn += 1) await client.getDataset({});
}

function frame() {
  const lines = Buffer.alloc(frameBytes, "x");
  return { frame: { $case: "batch" as const, value: { lines } } };
}

function checkpoint(index: number) {
  return { frame: { $case: "checkpoint" as const, value: { nextIndex: BigInt(index) } } };
}

function counter(target: number) {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  let count = 0;
  return {
    reached,
    add() {
      count += 1;
      if (count === target) resolve();
    },
  };
}
