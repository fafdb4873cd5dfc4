import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Client, type Registry, RpcError } from "../../clients/typescript/src/index.ts";
import type { WatchAdaptersResponse } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { newSeed, Random } from "../data/random.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { type RegistryLists, RegistryReplica } from "../support/registry-replica.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../support/tiny-adapter.ts";
import { killCount, restart, timeLimit } from "./kills.ts";

const CHANGES = 10_000;
const WRITERS = 32;
const ADAPTERS = ["a", "a-b", "b", "c"];
const VERSIONS = 8;

const kills = killCount(5);

test("10,000 changes, the server killed between them: every watcher sees each in order, once, and what the lists show", {
  timeout: timeLimit(kills) + 120_000,
}, async () => {
  const seed = newSeed();
  await using server = await LoraloopProcess.start();
  await using client = new Client({ address: server.address, token: await server.token() });
  const { registry } = client;
  const { digest } = await prepare(registry);
  const { revision } = await registry.adapters.listVersions({});
  const begun = await listsOf(registry);

  const written = Promise.withResolvers<void>();
  const follow = (pace: Pace, adapter = "") =>
    watch(registry, new RegistryReplica(versionsOf(registry), begun, revision), { pace, adapter });
  const watchers = [
    follow(async () => undefined),
    follow(async (count) => void (count % 50 === 0 && (await delay(5)))),
    follow(async (count) => void (count === 3 && (await written.promise))),
  ];
  const ofOne = follow(async () => undefined, "a");

  const writing = write(registry, new Random(seed), digest);
  const killed = killWhile(writing, server, new Random(seed));
  const acknowledged = await writing;
  expect(await killed).toBeGreaterThan(0);
  written.resolve();
  await untilDone(() => registry.adapters.putVersionMetadata({ version: "a@1", metadata: { end: "yes" } }));

  const watched = await Promise.all(watchers);
  const expected = await listsOf(registry);
  for (const { replica, seen } of watched) {
    expect(replica.lists, `seed ${seed}`).toEqual(expected);
    expect(acknowledged.filter((one) => !seen.has(one))).toEqual([]);
  }
  const { replica } = await ofOne;
  expect(replica.lists.versions.filter(({ adapter }) => adapter === "a")).toEqual(
    expected.versions.filter(({ adapter }) => adapter === "a"),
  );
  expect(acknowledged.length).toBeGreaterThanOrEqual(CHANGES);
  expect(server.errors).toBe("");
});

/** A base model, an artifact, and versions of it. */
async function prepare({ adapters, artifacts, baseModels }: Registry): Promise<{ readonly digest: string }> {
  await baseModels.registerBaseModel({ baseModel: tinyBaseModel("tiny/base") });
  const artifact = await uploadFiles(artifacts, tinyAdapter("tiny/base"));
  for (const adapter of ADAPTERS) {
    for (let version = 0; version < VERSIONS; version += 1) {
      await adapters.registerVersion({ adapter, files: { $case: "artifact", value: artifact.digest } });
    }
  }
  return artifact;
}

async function listsOf(registry: Registry): Promise<RegistryLists> {
  const adapters = await Array.fromAsync(registry.listAdapters({ includeDeleted: true }));
  return { adapters, versions: await Array.fromAsync(registry.listVersions({ includeDeleted: true })) };
}

const versionsOf = (registry: Registry) => (adapter: string) =>
  Array.fromAsync(registry.listVersions({ adapter, includeDeleted: true }));

/** Waits as its watcher does after so many messages. */
type Pace = (count: number) => Promise<void>;

interface Watched {
  readonly replica: RegistryReplica;
  /** Revisions of changes. */
  readonly seen: ReadonlySet<bigint>;
}

/** Watches until the last change came, again from the last checkpoint wherever the connection breaks. */
async function watch(
  { adapters }: Registry,
  replica: RegistryReplica,
  { pace, adapter }: { readonly pace: Pace; readonly adapter: string },
): Promise<Watched> {
  const seen = new Set<bigint>();
  let [count, isLast] = [0, false];
  for (;;) {
    try {
      for await (const message of adapters.watchAdapters({ afterRevision: replica.resume(), adapter })) {
        await replica.apply(message);
        isLast ||= isEnd(message);
        if (message.change?.$case !== "checkpoint") seen.add(message.revision);
        else if (isLast) return { replica, seen };
        count += 1;
        await pace(count);
      }
    } catch (error) {
      await waitAfter(error);
    }
  }
}

function isEnd({ change }: WatchAdaptersResponse): boolean {
  return change?.$case === "version" && change.value.metadata["end"] === "yes";
}

/** Changes versions, aliases and adapters until there were enough; gives the revisions that were acknowledged. */
async function write({ adapters }: Registry, random: Random, artifact: string): Promise<bigint[]> {
  const revisions: bigint[] = [];
  let next = 0;
  const writeOn = async (): Promise<void> => {
    while (next < CHANGES) {
      const change = next;
      next += 1;
      const adapter = random.pick(ADAPTERS);
      const version = random.between(1, VERSIONS);
      const name = `${adapter}@${version}`;
      const metadata = { change: String(change) };
      if (change % 500 === 0) {
        const files = { $case: "artifact" as const, value: artifact };
        const call = () => adapters.registerVersion({ adapter, files, request: `change-${change}` });
        revisions.push((await untilDone(call)).version?.revision ?? 0n);
      } else if (change % 20 === 0) {
        const reason = metadata.change;
        const call = () => adapters.moveAlias({ adapter, alias: "production", version, reason });
        revisions.push((await untilDone(call)).move?.revision ?? 0n);
      } else {
        const { version: changed } = await untilDone(() => adapters.putVersionMetadata({ version: name, metadata }));
        revisions.push(changed?.revision ?? 0n);
      }
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writeOn));
  return revisions;
}

/** Calls again for as long as the server is away, or busy with somebody else's change. */
async function untilDone<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      await waitAfter(error);
    }
  }
}

async function waitAfter(error: unknown): Promise<void> {
  if (!(error instanceof RpcError && (error.retryable || error.reason === "CONFLICT"))) throw error;
  await delay(20);
}

/** How often it was killed. */
async function killWhile(work: Promise<unknown>, server: LoraloopProcess, random: Random): Promise<number> {
  let [ended, killed] = [false, 0];
  const end = (): void => {
    ended = true;
  };
  void work.then(end, end);
  for (; killed < kills && !ended; killed += 1) {
    await delay(200 + random.next() * 2000);
    await restart(server);
  }
  return killed;
}
