import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { AdapterVersion_State as State } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { storeKinds } from "../../../test/support/stores.ts";
import { deleteAdapter } from "../commands/delete-adapter.ts";
import { deleteVersion } from "../commands/delete-version.ts";
import { getAdapter } from "../commands/get-adapter.ts";
import { getVersion } from "../commands/get-version.ts";
import { moveAlias } from "../commands/move-alias.ts";
import { type PutAdapter, putAdapter } from "../commands/put-adapter.ts";
import { putVersionMetadata } from "../commands/put-version-metadata.ts";
import { quarantineVersion } from "../commands/quarantine-version.ts";
import { releaseVersion } from "../commands/release-version.ts";
import { restoreAdapter } from "../commands/restore-adapter.ts";
import { restoreVersion } from "../commands/restore-version.ts";
import { parseVersionName } from "./names.ts";

const never = new AbortController().signal;

describe.each(storeKinds)("adapters and versions in %s", (kind) => {
  let place: RegistryPlace;

  beforeEach(async () => {
    place = await RegistryPlace.open(kind);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const put = (changes: Partial<PutAdapter> = {}) =>
    putAdapter(place.context, registryCaller, {
      adapter: "tone",
      description: "",
      metadata: {},
      expectedRevision: undefined,
      ...changes,
    });
  const show = (name: string) => getVersion(place.context, 1, parseVersionName(name));
  const remove = (name: string) => deleteVersion(place.context, registryCaller, parseVersionName(name));
  const restore = (name: string) => restoreVersion(place.context, registryCaller, parseVersionName(name), never);
  const point = (adapter: string, alias: string, version: number) =>
    moveAlias(place.context, 1, { adapter, alias, version, expectedRevision: undefined, reason: "", actor: "" });
  const child = (adapter: string, parent: string) =>
    place.makeVersion(adapter, {
      provenance: {
        run: "",
        snapshots: [],
        parent,
        dataSourceUri: "",
        training: undefined,
        packageVersions: {},
        seed: 0n,
      },
    });

  test("an adapter is put, and put again", async () => {
    const made = await put({ description: "one", metadata: { team: "legal" }, expectedRevision: 0n });
    expect(made).toMatchObject({ name: "tone", description: "one", latestVersion: 0, creator: "tester", aliases: [] });
    expect(await put({ description: "one", metadata: { team: "legal" }, expectedRevision: 0n })).toEqual(made);
    place.passSeconds(1);
    const changed = await put({ description: "two", expectedRevision: made.revision });
    expect(changed).toMatchObject({ description: "two", metadata: {}, createTime: made.createTime });
    expect(changed.updateTime).not.toEqual(made.updateTime);
    const stale = put({ description: "three", expectedRevision: made.revision });
    await expect(stale).rejects.toMatchObject({
      reason: "CONFLICT",
      metadata: { expected_revision: String(made.revision), actual_revision: String(changed.revision) },
    });
    expect(await getAdapter(place.context, 1, "tone", false)).toEqual(changed);
    await expect(getAdapter(place.context, 2, "tone", true)).rejects.toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
  });

  test("of 10 who change what they read one wins", async () => {
    const { revision: expectedRevision } = await put();
    const calls = Array.from({ length: 10 }, (_, number) => put({ description: String(number), expectedRevision }));
    const settled = await Promise.allSettled(calls);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("numbers are given once, whoever asks and whatever was deleted", async () => {
    const names = await Promise.all(Array.from({ length: 10 }, () => place.makeVersion("tone")));
    expect(names.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await remove("tone@10");
    expect(await place.makeVersion("tone")).toEqual({ adapter: "tone", version: 11 });
    expect((await getAdapter(place.context, 1, "tone", false)).latestVersion).toBe(11);
  });

  test("a deleted version is shown by name only, changes no more, and comes back as it was", async () => {
    await place.makeVersion("tone", { metadata: { a: "1" } });
    const before = await show("tone@1");
    expect(before).toMatchObject({ name: "tone@1", state: State.STATE_READY, metadata: { a: "1" } });
    await remove("tone@1");
    await remove("tone@1");
    const deleted = await show("tone@1");
    expect(deleted.state).toBe(State.STATE_DELETED);
    expect(deleted.deleteTime).toBeDefined();
    const reference = parseVersionName("tone@1");
    const refused = [
      putVersionMetadata(place.context, 1, reference, { metadata: {}, expectedRevision: undefined }),
      quarantineVersion(place.context, registryCaller, reference, "why"),
      releaseVersion(place.context, 1, reference),
      point("tone", "production", 1),
    ];
    for (const call of await Promise.allSettled(refused)) expect(call.status).toBe("rejected");
    expect(await restore("tone@1")).toEqual({ ...before, revision: deleted.revision + 1n });
    expect(await restore("tone@1")).toEqual(await show("tone@1"));
    await expect(remove("tone@2")).rejects.toMatchObject({ reason: "VERSION_NOT_FOUND" });
  });

  test("what an alias points at stays", async () => {
    await place.makeVersion("tone");
    await point("tone", "production", 1);
    const use = { metadata: { alias: "production" } };
    await expect(remove("tone@1")).rejects.toMatchObject({ reason: "VERSION_IN_USE", ...use });
    await expect(deleteAdapter(place.context, 1, "tone")).rejects.toMatchObject({ reason: "ADAPTER_IN_USE", ...use });
    await point("tone", "production", 0);
    await remove("tone@1");
    await deleteAdapter(place.context, 1, "tone");
  });

  test("what a version was trained from stays, and comes back before it does", async () => {
    await place.makeVersion("base");
    await place.makeVersion("base");
    await child("tone", "base@1");
    const use = { metadata: { child: "tone@1" } };
    await expect(remove("base@1")).rejects.toMatchObject({ reason: "VERSION_IN_USE", ...use });
    await expect(deleteAdapter(place.context, 1, "base")).rejects.toMatchObject({ reason: "ADAPTER_IN_USE", ...use });
    await remove("base@2");
    await remove("tone@1");
    await remove("base@1");
    await expect(restore("tone@1")).rejects.toMatchObject({
      reason: "VERSION_NOT_FOUND",
      metadata: { version: "base@1" },
    });
    await restore("base@1");
    await restore("tone@1");
    await expect(remove("base@1")).rejects.toMatchObject({ reason: "VERSION_IN_USE" });
    await expect(child("tone", "base@2")).rejects.toMatchObject({ reason: "VERSION_NOT_FOUND" });
  });

  test("versions of one adapter that descend from one another go with it", async () => {
    await place.makeVersion("tone");
    await child("tone", "tone@1");
    await deleteAdapter(place.context, 1, "tone");
    expect((await show("tone@2")).state).toBe(State.STATE_DELETED);
  });

  test("a deletion and a use at the same time: one of them is refused", async () => {
    for (let version = 1; version <= 10; version += 1) {
      await place.makeVersion("tone");
      const calls = version % 2 === 0 ? point("tone", `a${version}`, version) : child("other", `tone@${version}`);
      const settled = await Promise.allSettled([remove(`tone@${version}`), calls]);
      expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const { state } = await show(`tone@${version}`);
      expect(state).toBe(settled[0]?.status === "fulfilled" ? State.STATE_DELETED : State.STATE_READY);
    }
  });

  test("a deleted adapter takes its versions along and brings back those that were not deleted by themselves", async () => {
    await place.makeVersion("tone");
    await place.makeVersion("tone");
    await remove("tone@2");
    const own = await show("tone@2");
    place.passSeconds(1);
    await deleteAdapter(place.context, 1, "tone");
    await deleteAdapter(place.context, 1, "tone");
    expect((await show("tone@1")).state).toBe(State.STATE_DELETED);
    expect((await show("tone@2")).deleteTime).toEqual(own.deleteTime);
    const refused = [put(), getAdapter(place.context, 1, "tone", false), place.makeVersion("tone"), restore("tone@1")];
    for (const call of await Promise.allSettled(refused)) {
      expect(call).toMatchObject({ status: "rejected", reason: { reason: "ADAPTER_NOT_FOUND" } });
    }
    expect((await getAdapter(place.context, 1, "tone", true)).deleteTime).toBeDefined();
    const restored = await restoreAdapter(place.context, registryCaller, "tone", never);
    expect(restored.deleteTime).toBeUndefined();
    expect(await restoreAdapter(place.context, registryCaller, "tone", never)).toEqual(restored);
    expect((await show("tone@1")).state).toBe(State.STATE_READY);
    expect((await show("tone@2")).state).toBe(State.STATE_DELETED);
    await expect(deleteAdapter(place.context, 1, "never")).rejects.toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
  });

  test("versions of a deleted adapter can be deleted by themselves, and what comes back with it has its parents", async () => {
    await place.makeVersion("base");
    await child("tone", "base@1");
    await child("tone", "tone@1");
    await place.makeVersion("tone");
    await deleteAdapter(place.context, 1, "tone");
    await remove("tone@3");
    const ofTone = { reason: "VERSION_IN_USE", metadata: { child: "tone@2" } };
    await expect(remove("tone@1")).rejects.toMatchObject(ofTone);
    const ofBase = { metadata: { child: "tone@1" } };
    await expect(remove("base@1")).rejects.toMatchObject({ reason: "VERSION_IN_USE", ...ofBase });
    await expect(deleteAdapter(place.context, 1, "base")).rejects.toMatchObject({
      reason: "ADAPTER_IN_USE",
      ...ofBase,
    });
    await expect(remove("never@1")).rejects.toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
    await restoreAdapter(place.context, registryCaller, "tone", never);
    for (const name of ["base@1", "tone@1", "tone@2"]) expect((await show(name)).state).toBe(State.STATE_READY);
    expect((await show("tone@3")).state).toBe(State.STATE_DELETED);
    await deleteAdapter(place.context, 1, "tone");
    for (const name of ["tone@2", "tone@1", "base@1"]) await remove(name);
    await restoreAdapter(place.context, registryCaller, "tone", never);
    for (const name of ["tone@1", "tone@2"]) expect((await show(name)).state).toBe(State.STATE_DELETED);
  });

  test("a parent gets many children at once, and none has to try again", async () => {
    await place.makeVersion("base");
    const committed = vi.spyOn(place.store, "commit");
    await Promise.all(Array.from({ length: 48 }, (_, number) => child(`tone-${number}`, "base@1")));
    expect(committed).toHaveBeenCalledTimes(48);
  });

  test("metadata is replaced, and only where it is as the caller saw it", async () => {
    const name = await place.makeVersion("tone", { metadata: { a: "1" } });
    const { revision } = await show("tone@1");
    const metadata = { b: "2" };
    const changed = await putVersionMetadata(place.context, 1, name, { metadata, expectedRevision: revision });
    expect(changed.metadata).toEqual(metadata);
    expect(await putVersionMetadata(place.context, 1, name, { metadata, expectedRevision: revision })).toEqual(changed);
    const stale = putVersionMetadata(place.context, 1, name, { metadata: {}, expectedRevision: revision });
    await expect(stale).rejects.toMatchObject({ reason: "CONFLICT" });
  });

  test("a quarantine says who, when and why, until it ends", async () => {
    const name = await place.makeVersion("tone");
    const one = await quarantineVersion(place.context, registryCaller, name, "one");
    expect(one).toMatchObject({ state: State.STATE_QUARANTINED, quarantine: { reason: "one", actor: "tester" } });
    expect(await quarantineVersion(place.context, registryCaller, name, "one")).toEqual(one);
    const two = await quarantineVersion(place.context, registryCaller, name, "two");
    expect(two.quarantine?.reason).toBe("two");
    const released = await releaseVersion(place.context, 1, name);
    expect(released).toMatchObject({ state: State.STATE_READY, quarantine: undefined });
    expect(await releaseVersion(place.context, 1, name)).toEqual(released);
  });
});
