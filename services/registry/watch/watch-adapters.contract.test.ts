import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { WatchAdaptersResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { newSeed, Random } from "../../../test/data/random.ts";
import { changeSomething } from "../../../test/support/registry-changes.ts";
import { RegistryPlace } from "../../../test/support/registry-place.ts";
import { type RegistryLists, RegistryReplica } from "../../../test/support/registry-replica.ts";
import { storeKinds } from "../../../test/support/stores.ts";
import type { Revision } from "../../store/store.ts";
import { listAdapters } from "../commands/list-adapters.ts";
import { listVersions } from "../commands/list-versions.ts";
import { moveAlias } from "../commands/move-alias.ts";
import { type WatchAdapters, watchAdapters } from "../commands/watch-adapters.ts";

const never = new AbortController().signal;

describe.each(storeKinds)("watching adapters in %s", (kind) => {
  let place: RegistryPlace;

  beforeEach(async () => {
    place = await RegistryPlace.open(kind);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const watch = (changes: Partial<WatchAdapters> = {}) =>
    watchAdapters(place.context, {
      tenant: 1,
      adapter: "",
      afterRevision: 0n,
      signal: never,
      drain: never,
      ...changes,
    });
  const head = async () => (await place.store.head(1)).revision;

  async function listsAt(at: Revision): Promise<RegistryLists> {
    const list = { includeDeleted: true, limit: 1000, at, start: undefined };
    const { adapters } = await listAdapters(place.context, 1, { ...list, matches: () => true });
    return { adapters, versions: await versionsAt("", at) };
  }

  async function versionsAt(adapter: string, at: Revision): Promise<AdapterVersion[]> {
    const list = { adapter, matches: undefined, includeDeleted: true, limit: 1000, at, start: undefined };
    return (await listVersions(place.context, 1, list)).versions;
  }

  /** Everything up to the checkpoint of a revision. */
  async function messagesUpTo(
    revision: Revision,
    changes: Partial<WatchAdapters> = {},
  ): Promise<WatchAdaptersResponse[]> {
    const messages: WatchAdaptersResponse[] = [];
    for await (const message of watch(changes)) {
      messages.push(message);
      if (message.change?.$case === "checkpoint" && message.revision >= revision) break;
    }
    return messages;
  }

  test("whoever lists at any revision and watches from there has what the list shows", async () => {
    const seed = newSeed();
    const random = new Random(seed);
    const starts: Revision[] = [0n];
    for (let step = 0; step < 150; step += 1) {
      await changeSomething(place, random);
      if (random.next() < 0.05) starts.push(await head());
    }
    const end = await head();
    const expected = await listsAt(end);
    for (const start of starts) {
      const replica = new RegistryReplica(versionsAt, await listsAt(start), start);
      for (const message of await messagesUpTo(end, { afterRevision: start })) await replica.apply(message);
      expect(replica.lists, `seed ${seed}, from ${start}`).toEqual(expected);
      expect(replica.revision).toBe(end);
    }
  });

  test("each change of each commit comes once, from every revision", async () => {
    const random = new Random(7);
    for (let step = 0; step < 40; step += 1) await changeSomething(place, random);
    const end = await head();
    const whole = await messagesUpTo(end);
    const { changes } = await place.store.changes(1, 0n);
    const watched = changes.filter(({ key }) =>
      /^(adapter|version-state|alias-move)\//.test(Buffer.from(key).toString()),
    );
    const places = (messages: readonly WatchAdaptersResponse[]) =>
      messages.flatMap(({ revision, ordinal, change }) =>
        change?.$case === "checkpoint" ? [] : [`${revision}/${ordinal}`],
      );
    expect(places(whole)).toEqual(watched.map(({ revision, ordinal }) => `${revision}/${ordinal}`));
    for (let start = 1n; start <= end; start += 1n) {
      const rest = await messagesUpTo(end, { afterRevision: start });
      expect(places(rest)).toEqual(places(whole.filter(({ revision }) => revision > start)));
    }
  });

  test("a version, its adapter and its alias come together, and a checkpoint after them", async () => {
    const name = await place.makeVersion("tone");
    await moveAlias(place.context, 1, {
      adapter: "tone",
      alias: "production",
      version: 1,
      expectedRevision: 0n,
      reason: "",
      actor: "",
    });
    const kinds = (await messagesUpTo(2n)).map(({ revision, change }) => [revision, change?.$case]);
    expect(name.version).toBe(1);
    expect(kinds).toEqual([
      [0n, "checkpoint"],
      [1n, "adapter"],
      [1n, "version"],
      [1n, "checkpoint"],
      [2n, "aliasMove"],
      [2n, "checkpoint"],
    ]);
  });

  test("only one adapter, and checkpoints for all", async () => {
    for (const adapter of ["a", "a-b", "a", "b"]) await place.makeVersion(adapter);
    const kinds = (await messagesUpTo(4n, { adapter: "a" })).map(({ revision, change }) => [revision, change?.$case]);
    expect(kinds).toEqual([
      [0n, "checkpoint"],
      [1n, "adapter"],
      [1n, "version"],
      [1n, "checkpoint"],
      [3n, "adapter"],
      [3n, "version"],
      [4n, "checkpoint"],
    ]);
  });

  test("goes on with what is committed later, from now on where no revision is given", async () => {
    await place.makeVersion("a");
    const messages = watch({ afterRevision: undefined });
    expect((await messages.next()).value).toMatchObject({ revision: 1n, change: { $case: "checkpoint" } });
    for (let version = 2; version <= 4; version += 1) {
      const waiting = messages.next();
      await place.makeVersion("a");
      expect((await waiting).value).toMatchObject({ change: { $case: "adapter", value: { latestVersion: version } } });
      await messages.next();
      await messages.next();
    }
    await messages.return(undefined);
  });

  test("a compacted revision, and one that is not there yet, are refused", async () => {
    for (let version = 1; version <= 5; version += 1) await place.makeVersion("a");
    await place.store.compact(1, 4n);
    await expect(watch({ afterRevision: 3n }).next()).rejects.toMatchObject({ details: { oldestRevision: "4" } });
    await expect(watch({ afterRevision: 6n }).next()).rejects.toMatchObject({ details: { newestRevision: "5" } });
    const replica = new RegistryReplica(versionsAt, await listsAt(5n), 5n);
    await place.makeVersion("a");
    for (const message of await messagesUpTo(6n, { afterRevision: 5n })) await replica.apply(message);
    expect(replica.lists).toEqual(await listsAt(6n));
  });

  test("a watcher that is overtaken by compaction is told so", async () => {
    for (let version = 1; version <= 5; version += 1) await place.makeVersion("a");
    const messages = watch();
    await messages.next();
    await place.store.compact(1, 5n);
    await expect(Array.fromAsync(messages)).rejects.toMatchObject({ code: "OUT_OF_RANGE" });
  });

  test("a slow watcher reads a page of keys ahead and no value", async () => {
    for (let step = 0; step < 30; step += 1) await place.makeVersion("a");
    let reads = 0;
    const counted: RegistryPlace["store"] = Object.create(place.store, {
      get: {
        value: (...args: Parameters<RegistryPlace["store"]["get"]>) => {
          reads += 1;
          return place.store.get(...args);
        },
      },
    });
    const messages = watchAdapters(
      { ...place.context, store: counted },
      { tenant: 1, adapter: "", afterRevision: 0n, signal: never, drain: never },
    );
    await messages.next();
    await messages.next();
    expect(reads).toBe(1);
    await messages.return(undefined);
  });

  test("a server that stops ends it with DRAINING, waiting or not; a cancel ends it too", async () => {
    await place.makeVersion("a");
    for (const afterRevision of [0n, undefined]) {
      const drain = new AbortController();
      const messages = watch({ afterRevision, drain: drain.signal });
      await messages.next();
      if (afterRevision === 0n) await messages.next();
      const next = messages.next();
      drain.abort();
      await expect(next.then(() => messages.next())).rejects.toMatchObject({ reason: "DRAINING" });
    }
    const cancel = new AbortController();
    const messages = watch({ afterRevision: undefined, signal: cancel.signal });
    await messages.next();
    const next = messages.next();
    cancel.abort();
    await expect(next).rejects.toThrow("aborted");
  });
});
