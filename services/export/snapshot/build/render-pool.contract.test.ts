import { afterEach, beforeEach, expect, test } from "vitest";
import { DatasetSpec } from "../../../../proto/gen/loraloop/export/v1/dataset.ts";
import type { DeepPartial } from "../../../../proto/gen/loraloop/export/v1/export_service.ts";
import { expectedSnapshot } from "../../../../test/support/expected-snapshot.ts";
import { openTestContext, type TestContext } from "../../../../test/support/export-context.ts";
import { specSource, stream, upsert } from "../../../../test/support/samples.ts";
import { openStore } from "../../../store/open-store.ts";
import type { Store } from "../../../store/store.ts";
import { recordKey } from "../../keys.ts";
import type { Chunk } from "./chunk.ts";
import { type RenderClient, RenderPool } from "./render-pool.ts";

const value = "v".repeat(1000);
/** Makes 3 MB of 1 kB. */
const hostile: DeepPartial<DatasetSpec> = {
  collection: "docs",
  format: "text",
  mapping: { text: { source: { $case: "template", value: "{{f}}".repeat(3000) } } },
};
const records = Array.from({ length: 12 }, (_, n) => ({ id: `r${String(n).padStart(2, "0")}`, fields: { f: value } }));

let store: Store;
let opened: TestContext;

beforeEach(async () => {
  store = await openStore({ kind: "memory" });
  opened = await openTestContext({ store });
  await upsert(opened.context, 1, "docs", records);
});

afterEach(async () => {
  await opened[Symbol.asyncDispose]();
  await store.close();
});

test("a chunk that grows beyond 8 MiB comes in parts, each after leave", async () => {
  const pool = new RenderPool(store, 1, undefined);
  const sizes: number[] = [];
  for await (const { samples, complete } of partsOf(pool, (await store.head(1)).revision)) {
    sizes.push(samples.count);
    expect(samples.lines.length).toBeLessThan(12 * 1024 * 1024);
    expect(complete).toBe(sizes.length === 4);
  }
  expect(sizes).toEqual([3, 3, 3, 3]);
  await pool.close();
});

test("threads come when there is work for them, up to the maximum", async () => {
  const shares: unknown[] = [];
  const counted = Object.assign(Object.create(store) as Store, {
    share: () => {
      const share = store.share();
      shares.push(share);
      return share;
    },
  });
  const pool = new RenderPool(counted, 2, undefined);
  expect(shares).toHaveLength(1);
  const at = (await store.head(1)).revision;
  const builds = [1, 2, 3, 4].map(async (build) => {
    for await (const { complete } of partsOf(pool, at, build)) if (complete) return build;
    return 0;
  });
  expect(await Promise.all(builds)).toEqual([1, 2, 3, 4]);
  expect(shares).toHaveLength(2);
  await pool.close();
});

test("who waits for a thread that cannot start hears why", async () => {
  const pool = new RenderPool(store, 2, "/nonexistent/plugins");
  await expect(partsOf(pool, 1n).next()).rejects.toThrow("/nonexistent/plugins");
  await expect(partsOf(pool, 1n).next()).rejects.toThrow("/nonexistent/plugins");
  await pool.close();
});

test("a hostile recipe gives the right samples", async () => {
  const expected = expectedSnapshot(
    records.map(({ id }) => ({ id, line: JSON.stringify({ text: value.repeat(3000) }) })),
  );
  const { footer } = await stream(opened.context, specSource(hostile));
  expect(Buffer.from(footer?.snapshotDigest ?? []).toString("hex")).toBe(expected.digest);
});

/** The parts of the first chunk of collection 1. */
async function* partsOf(pool: RenderPool, at: bigint, build = 1): AsyncGenerator<Chunk> {
  let next = Promise.withResolvers<Chunk>();
  const spec = DatasetSpec.encode(DatasetSpec.fromPartial(hostile)).finish();
  const client: RenderClient = {
    build,
    job: { tenant: 1, collection: 1, at, spec, asOf: 0n },
    scanned: () => undefined,
    rendered: (chunk) => next.resolve(chunk),
    failed: (error) => next.reject(error),
  };
  pool.scan(client, { number: 0, start: recordKey(1, ""), limit: 1000 });
  for (;;) {
    const chunk = await next.promise;
    next = Promise.withResolvers();
    yield chunk;
    if (chunk.complete) return;
    pool.resume(build, 0);
  }
}
