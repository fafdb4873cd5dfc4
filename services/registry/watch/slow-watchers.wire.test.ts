import { expect, test } from "vitest";
import { registryClients } from "../../../test/support/registry-calls.ts";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import type { TestServer } from "../../../test/support/server.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../../../test/support/tiny-adapter.ts";

const WATCHERS = 20;
const CHANGES = 2000;
const KIBIBYTE = 1024;

test("watchers that do not read are sent no more than the connection takes, and everything once they read", async () => {
  await using server = await startTestRegistry();
  const { models, artifacts, adapters } = registryClients(server, server.token);
  await models.registerBaseModel({ baseModel: tinyBaseModel("tiny") });
  const { digest } = await uploadFiles(artifacts, tinyAdapter("tiny"));
  await adapters.registerVersion({ adapter: "tone", files: { $case: "artifact", value: digest } });

  const watchers = Array.from({ length: WATCHERS }, () => adapters.watchAdapters({})[Symbol.asyncIterator]());
  for (const watcher of watchers) await watcher.next();
  const text = "x".repeat(4 * KIBIBYTE);
  for (let change = 0; change < CHANGES; change += 1) {
    await adapters.putVersionMetadata({ version: "tone@1", metadata: { change: String(change), text, more: text } });
  }
  expect(await bytesSent(server)).toBeLessThan(WATCHERS * 512 * KIBIBYTE);

  const [reader, ...others] = watchers;
  for (const other of others) await other.return?.();
  let next = 0;
  while (next < CHANGES) {
    const { change } = (await reader?.next())?.value ?? {};
    if (change?.$case !== "version") continue;
    expect(change.value.metadata["change"]).toBe(String(next));
    next += 1;
  }
  await reader?.return?.();
});

/** To all watchers. */
async function bytesSent({ service }: TestServer): Promise<number> {
  const page = await (await fetch(`http://${service.metricsAddress}/metrics`)).text();
  const method = "/loraloop.registry.v1.AdapterService/WatchAdapters";
  return Number(page.match(new RegExp(`^loraloop_bytes_sent_total{method="${method}"} (\\S+)$`, "m"))?.[1]);
}
