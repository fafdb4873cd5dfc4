import { expect, test } from "vitest";
import { AdapterVersion, PeftConfiguration } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import type { Call } from "../../kit/call.ts";
import { watchAdapters } from "../commands/watch-adapters.ts";
import { listVersions } from "../handlers/list-versions.ts";
import { type NewVersion, planVersions } from "./new-versions.ts";

const ADAPTERS = 20;
const VERSIONS = 5000;
const BATCH = 500;
const MEBIBYTE = 1024 * 1024;

const never = new AbortController().signal;
const layers = Array.from({ length: 64 }, (_, layer) => `model.layers.${layer}.self_attn.q_proj`);

test("100,000 versions are listed, filtered and watched in the memory of a page", { timeout: 300_000 }, async () => {
  await using place = await RegistryPlace.open("rocksdb");
  for (let adapter = 0; adapter < ADAPTERS; adapter += 1) await makeVersions(place, `adapter-${adapter}`);
  expect(await countListed(place, "", 1)).toBe(1);
  const settled = memory();
  const largest = { bytes: settled };
  expect(await countListed(place, "", Number.POSITIVE_INFINITY, largest)).toBe(ADAPTERS * VERSIONS);
  const filter = 'version.metrics["eval_loss"] < 0.1 && "legal" in version.domains';
  expect(await countListed(place, filter, Number.POSITIVE_INFINITY, largest)).toBe((ADAPTERS * VERSIONS) / 10);
  expect(await countWatched(place, largest)).toBe(ADAPTERS * VERSIONS);
  expect((largest.bytes - settled) / MEBIBYTE).toBeLessThan(96);
});

async function makeVersions({ store, context }: RegistryPlace, adapter: string): Promise<void> {
  for (let first = 0; first < VERSIONS; first += BATCH) {
    const now = context.clock.now();
    const versions = Array.from({ length: BATCH }, (_, place) => versionOf(first + place, now));
    const planned = await planVersions(store, 1, { adapter, creator: "", now, versions });
    await store.commit(1, planned.mutations, planned.expectations);
  }
}

function versionOf(number: number, timeMicros: bigint): NewVersion {
  const peft = PeftConfiguration.create({ r: 16, layers, configurationJson: JSON.stringify({ layers }) });
  const metrics = { eval_loss: { value: (number % 10) / 10, timeMicros, step: 0n } };
  return {
    version: AdapterVersion.create({ peft, domains: ["legal"] }),
    state: StoredVersionState.create({ checked: true, metrics }),
    request: "",
  };
}

async function countListed(
  { context }: RegistryPlace,
  filter: string,
  pages: number,
  largest = { bytes: 0 },
): Promise<number> {
  const list = listVersions(context);
  const request = { adapter: "", filter, pageSize: pages === 1 ? 1 : 1000, includeDeleted: false };
  let [count, pageToken] = [0, ""];
  for (let page = 0; page < pages; page += 1) {
    const { versions, nextPageToken } = await list({ ...request, pageToken }, { caller: registryCaller } as Call);
    count += versions.length;
    pageToken = nextPageToken;
    look(largest);
    if (pageToken === "") break;
  }
  return count;
}

async function countWatched({ context, store }: RegistryPlace, largest: { bytes: number }): Promise<number> {
  const { revision: head } = await store.head(1);
  const watch = { tenant: 1, adapter: "", afterRevision: 0n, signal: never, drain: never };
  let count = 0;
  for await (const { revision, change } of watchAdapters(context, watch)) {
    if (change?.$case === "version") count += 1;
    if (change?.$case !== "checkpoint") continue;
    look(largest);
    if (revision === head) break;
  }
  return count;
}

function look(largest: { bytes: number }): void {
  largest.bytes = Math.max(largest.bytes, memory());
}

/** Of the process, also outside of JavaScript's heap. */
function memory(): number {
  return process.memoryUsage.rss();
}
