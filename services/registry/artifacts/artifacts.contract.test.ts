import { access, mkdir, readdir, rename, utimes } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Contents, digestOf, filesOf } from "../../../test/support/artifacts.ts";
import { folderReader } from "../../../test/support/folder-files.ts";
import { configOf } from "../../../test/support/stores.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { openStore, type StoreConfig } from "../../store/open-store.ts";
import type { Clock, Store } from "../../store/store.ts";
import { versionKey } from "../keys.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import { Artifacts } from "./artifacts.ts";
import { DiskArtifactStore } from "./disk/store.ts";
import type { StagedArtifact } from "./staged-artifact.ts";
import { Staging } from "./staging.ts";
import { findArtifact, releaseArtifact, useArtifact } from "./stored-artifacts.ts";
import { sweepArtifacts } from "./sweeper.ts";

const kinds: readonly StoreConfig["kind"][] = ["memory", "rocksdb", "postgres"];
const never = new AbortController().signal;
const hour = 3_600_000_000n;
const contents: Contents = { "adapter_config.json": "{}", "adapter_model.safetensors": "weights" };
const digest = digestOf(contents);
const version = { adapter: "legal", version: 1 };

/** The same object, but for some methods. */
function withOther<Whole extends object>(whole: Whole, other: Partial<Whole>): Whole {
  return new Proxy(whole, {
    get(target, name) {
      const member: unknown = Reflect.get(name in other ? other : target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

describe.each(kinds)("Artifacts on %s", (kind) => {
  let folder: string;
  let store: Store;
  let now: bigint;
  let kept: ArtifactStore;
  let staging: Staging;
  let artifacts: Artifacts;
  const clock: Clock = { now: () => now };

  beforeEach(async () => {
    folder = await temporaryFolder();
    now = BigInt(Date.now()) * 1_000n;
    store = await openStore(configOf(kind, folder), clock);
    staging = new Staging(join(folder, "artifacts/staging"), 1_000n);
    kept = new DiskArtifactStore(join(folder, "artifacts"), staging.folder, folderReader);
    artifacts = open(kept);
  });
  afterEach(() => store.close());

  function open(place: ArtifactStore): Artifacts {
    return new Artifacts({ store, clock, kept: place, staging, locate: () => Promise.reject(new Error("unused")) });
  }

  async function stage(staged: StagedArtifact): Promise<void> {
    for (const [path, content] of Object.entries(contents)) {
      await staged.begin(path, BigInt(content.length));
      await staged.write(Buffer.from(content));
    }
  }

  async function upload(to = artifacts, tenant = 1) {
    await using staged = await to.begin();
    await stage(staged);
    return await to.keep(tenant, staged, digest);
  }

  async function register(number = 1): Promise<void> {
    const name = { ...version, version: number };
    const use = await useArtifact(store, 1, digest, name);
    await store.commit(1, [{ put: versionKey(name), value: new Uint8Array() }, ...use.mutations], use.expectations);
  }

  async function remove(number = 1): Promise<void> {
    const release = await releaseArtifact(store, 1, digest, { ...version, version: number }, clock.now());
    await store.commit(1, release.mutations, release.expectations);
  }

  async function sweep(to = artifacts, shared = false): Promise<void> {
    const options = { store, clock, log: pino({ level: "silent" }), artifacts: to, kept, staging, shared };
    await sweepArtifacts({ ...options, tenants: async () => [0, 1, 2] }, never);
  }

  async function isKept(): Promise<boolean> {
    const files = await kept.open(1, digest);
    const known = await findArtifact(store, 1, digest).then(
      () => true,
      () => false,
    );
    expect(files !== undefined).toBe(known);
    return known;
  }

  test("one that no version uses is kept for 24 hours after its last upload", async () => {
    await upload();
    now += 23n * hour;
    await sweep();
    await upload();
    now += 23n * hour;
    await sweep();
    expect(await isKept()).toBe(true);
    now += 1n * hour;
    await sweep();
    expect(await isKept()).toBe(false);
    expect(await readdir(staging.folder)).toEqual([]);
    await upload();
    expect(await isKept()).toBe(true);
  });

  test("one that versions use is kept, and for 24 hours after the last of them is deleted", async () => {
    await upload();
    await register(1);
    await register(2);
    now += 100n * hour;
    await sweep();
    await upload();
    await remove(1);
    now += 100n * hour;
    await sweep();
    expect(await isKept()).toBe(true);
    await remove(2);
    now += 23n * hour;
    await sweep();
    expect(await isKept()).toBe(true);
    await register(2);
    now += 100n * hour;
    await sweep();
    expect(await isKept()).toBe(true);
    await remove(2);
    now += 25n * hour;
    await sweep();
    expect(await isKept()).toBe(false);
    await expect(useArtifact(store, 1, digest, version)).rejects.toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
    await remove(2);
  });

  test("of a registration and a removal at the same time one wins, never both", async () => {
    for (let round = 0; round < 20; round++) {
      await upload();
      now += 25n * hour;
      const [registered] = await Promise.allSettled([register(round), sweep()]);
      expect(await isKept()).toBe(registered.status === "fulfilled");
      if (registered.status === "fulfilled") await remove(round);
      now += 25n * hour;
      await sweep();
    }
  });

  test("a registration that began before a removal fails, and changes nothing", async () => {
    await upload();
    now += 25n * hour;
    const use = await useArtifact(store, 1, digest, version);
    await sweep();
    await expect(store.commit(1, use.mutations, use.expectations)).rejects.toMatchObject({ code: "ABORTED" });
    expect(await isKept()).toBe(false);
  });

  test("a removal that was broken off is ended ten minutes later; until then nobody finds or keeps the artifact", async () => {
    await upload();
    now += 25n * hour;
    const broken = withOther(kept, { remove: () => Promise.reject(new Error("broken off")) });
    await sweep(open(broken));
    await expect(findArtifact(store, 1, digest)).rejects.toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
    await expect(upload()).rejects.toMatchObject({ reason: "CONFLICT", metadata: { artifact: digest } });
    await sweep();
    await expect(upload()).rejects.toMatchObject({ reason: "CONFLICT" });
    now += hour / 6n;
    await sweep();
    expect(await isKept()).toBe(false);
    await upload();
    expect(await isKept()).toBe(true);
  });

  test("an upload that puts its files while another process removes the same begins again, and both are whole", async () => {
    await upload();
    now += 25n * hour;
    let raced = false;
    const slow = withOther(kept, {
      async put(...args) {
        await kept.put(...args);
        if (raced) return;
        raced = true;
        await sweep();
        expect(await kept.open(1, digest)).toBeUndefined();
      },
    });
    const artifact = await upload(open(slow));
    expect(artifact.files).toEqual(filesOf(contents));
    expect(await isKept()).toBe(true);
  });

  test("files that were put in their place but never became an artifact are nobody's, and go after 24 hours", async () => {
    const killed = open(
      withOther(kept, { put: (...args) => kept.put(...args).then(() => Promise.reject(new Error("killed"))) }),
    );
    await expect(upload(killed)).rejects.toThrow("killed");
    await expect(findArtifact(store, 1, digest)).rejects.toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
    await expect(useArtifact(store, 1, digest, version)).rejects.toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
    now += 23n * hour;
    await sweep();
    expect(await kept.open(1, digest)).toBeDefined();
    now += 2n * hour;
    await sweep();
    expect(await kept.open(1, digest)).toBeUndefined();
    await upload();
    expect(await isKept()).toBe(true);
  });

  /** Puts the files in their place, of which the store knows nothing, and waits for so long that they may go. */
  async function putUnknown(): Promise<void> {
    await using staged = await artifacts.begin();
    await stage(staged);
    await staged.finish(digest);
    await kept.put(1, digest, staged);
    now += 25n * hour;
  }

  test("files that the store does not know of go after 24 hours, those of somebody else stay", async () => {
    await putUnknown();
    await mkdir(join(folder, "artifacts/t1/of somebody else"));
    now -= 2n * hour;
    await sweep();
    expect(await kept.open(1, digest)).toBeDefined();
    now += 2n * hour;
    await sweep();
    expect(await kept.open(1, digest)).toBeUndefined();
    await access(join(folder, "artifacts/t1/of somebody else"));
  });

  test("no upload is acknowledged while another process removes the same files, of which the store did not know", async () => {
    await putUnknown();
    let during: Promise<unknown> | undefined;
    const slow = withOther(kept, {
      async remove(...args) {
        during = upload();
        await during.catch(() => undefined);
        await kept.remove(...args);
      },
    });
    await sweep(open(slow));
    await expect(during).rejects.toMatchObject({ reason: "CONFLICT" });
    await upload();
    expect(await isKept()).toBe(true);
  });

  test("files of which the store did not know stay while another process uploads the same", async () => {
    await putUnknown();
    const slow = withOther(kept, {
      async put(...args) {
        await kept.put(...args);
        await sweep();
      },
    });
    await upload(open(slow));
    expect(await isKept()).toBe(true);
  });

  test("what broken-off uploads left goes, what runs stays; in a shared folder only what is old", async () => {
    await using running = await artifacts.begin();
    const left = await new Staging(staging.folder, 1_000n).begin();
    await left.begin("a/b", 2n);
    await left.write(Buffer.of(1));
    await sweep(artifacts, true);
    await access(left.folder);
    const old = Date.now() / 1_000 - 25 * 3_600;
    for (const path of [left.folder, join(left.folder, "a"), running.folder]) await utimes(path, old, old);
    await sweep(artifacts, true);
    // What is appended to a file changes no folder.
    await access(left.folder);
    await utimes(join(left.folder, "a/b"), old, old);
    await sweep(artifacts, true);
    await expect(access(left.folder)).rejects.toThrow("ENOENT");
    await access(running.folder);
    await left[Symbol.asyncDispose]();
    const again = await new Staging(staging.folder, 1_000n).begin();
    await sweep();
    await expect(access(again.folder)).rejects.toThrow("ENOENT");
    await again[Symbol.asyncDispose]();
  });

  test("one tenant's failure does not keep the sweep from the others", async () => {
    await upload(artifacts, 1);
    await upload(artifacts, 2);
    now += 25n * hour;
    const broken = withOther(kept, {
      remove: (tenant, ...args) => (tenant === 1 ? Promise.reject(new Error("broken")) : kept.remove(tenant, ...args)),
    });
    await sweep(open(broken));
    expect(await kept.open(1, digest)).toBeDefined();
    expect(await kept.open(2, digest)).toBeUndefined();
  });

  test("the same files of two tenants are two artifacts", async () => {
    const [one, other] = [await upload(artifacts, 1), await upload(artifacts, 2)];
    expect(one.digest).toBe(other.digest);
    expect(one.uri).not.toBe(other.uri);
    now += 25n * hour;
    await register();
    await sweep();
    expect(await isKept()).toBe(true);
    await expect(findArtifact(store, 2, digest)).rejects.toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
  });

  test("are opened where they are; one whose folder is gone is not found", async () => {
    const artifact = await upload();
    const files = await artifacts.open({ tenant: 1, tenantName: "default" }, artifact);
    expect((await buffer(files.stream("adapter_model.safetensors"))).toString()).toBe("weights");
    await rename(join(folder, "artifacts/t1"), join(folder, "away"));
    await expect(artifacts.open({ tenant: 1, tenantName: "default" }, artifact)).rejects.toMatchObject({
      reason: "ARTIFACT_NOT_FOUND",
    });
  });
});
