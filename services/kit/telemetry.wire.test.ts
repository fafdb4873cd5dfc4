import { expect, test } from "vitest";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../test/support/failure.ts";
import { startKitServer } from "../../test/support/kit-server.ts";

test("the metrics page counts calls, frames, bytes, open streams and commits", async () => {
  await using server = await startKitServer({
    async *watchSnapshot(_request, { drain }) {
      yield {};
      await new Promise((resolve) => drain.addEventListener("abort", resolve, { once: true }));
    },
  });
  const client = server.client(ExportServiceDefinition);
  const stream = client.watchSnapshot({})[Symbol.asyncIterator]();
  await stream.next();
  await failure(server.client(ExportServiceDefinition, "").getDataset({}));
  const page = await (await fetch(`http://${server.service.metricsAddress}/metrics`)).text();
  const value = (name: string, labels = ""): number =>
    Number(page.match(new RegExp(`^${name}{${labels}} (\\S+)$`, "m"))?.[1] ?? Number.NaN);
  const watch = 'method="/loraloop.export.v1.ExportService/WatchSnapshot"';
  const get = 'method="/loraloop.export.v1.ExportService/GetDataset"';
  expect(value("loraloop_open_streams", watch)).toBe(1);
  expect(value("loraloop_messages_sent_total", watch)).toBe(1);
  expect(value("loraloop_bytes_sent_total", watch)).toBe(0);
  expect(value("loraloop_call_seconds_count", `${get},code="UNAUTHENTICATED"`)).toBe(1);
  expect(value("loraloop_store_commit_seconds_count", 'outcome="committed"')).toBe(2);
  expect(value("loraloop_event_loop_delay_seconds", 'quantile="0.99"')).toBeGreaterThanOrEqual(0);
  expect(page).toMatch(/^loraloop_process_resident_memory_bytes \d+$/m);
  expect((await fetch(`http://${server.service.metricsAddress}/other`)).status).toBe(404);
});

test("a port that is taken is named with its key", async () => {
  await using server = await startKitServer();
  const portOf = (address: string) => Number(address.split(":").at(-1));
  const { address, metricsAddress } = server.service;
  await expect(startKitServer({}, { metrics_port: portOf(metricsAddress) })).rejects.toThrow(
    `Cannot listen on ${metricsAddress} ("metrics_port"): the port is taken.`,
  );
  await expect(startKitServer({}, { listen_port: portOf(address) })).rejects.toThrow(
    `Cannot listen on ${address} ("listen_port"): the port is taken.`,
  );
});
