import { access, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Contents, digestOf, filesOf, writeFiles } from "../../../../test/support/artifacts.ts";
import type { ArtifactStore, StagedFiles } from "../artifact-store.ts";

/** How one kind of store is opened. */
export interface StoreHarness {
  /** An empty store; `folder` is the test's own. */
  open(folder: string): Promise<ArtifactStore>;
}

const contents: Contents = {
  "README.md": "# A",
  "adapter_config.json": "{}",
  "nested/a": "",
  "z.safetensors": "weights",
};
const digest = digestOf(contents);

/** What all places do in which the registry keeps artifacts. */
export function artifactStoreConformance(name: string, harness: StoreHarness): void {
  describe(`Artifacts in ${name}`, () => {
    let folder: string;
    let store: ArtifactStore;
    let stagings = 0;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "loraloop-artifacts-"));
      store = await harness.open(folder);
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    async function stage(files: Contents): Promise<StagedFiles> {
      stagings += 1;
      const staging = join(folder, "staging", String(stagings));
      await writeFiles(staging, files);
      return { folder: staging, files: filesOf(files) };
    }

    async function contentsOf(tenant: number): Promise<Record<string, string>> {
      const files = await store.open(tenant, digest);
      const listed = (await files?.list()) ?? [];
      const read = listed.map(async ({ path }): Promise<[string, string]> => {
        return [path, (await buffer(files?.stream(path) as AsyncIterable<Uint8Array>)).toString()];
      });
      return Object.fromEntries(await Promise.all(read));
    }

    test("are there as a whole once they were put, under their tenant and digest", async () => {
      expect(await store.open(1, digest)).toBeUndefined();
      expect(await store.writeTime(1, digest)).toBeUndefined();
      const before = Date.now();
      await store.put(1, digest, await stage(contents));
      expect(await contentsOf(1)).toEqual(contents);
      expect(store.uri(1, digest)).toMatch(new RegExp(`^(file|s3)://.*/t1/${digest}$`));
      expect(await store.writeTime(1, digest)).toBeGreaterThanOrEqual(before - 2_000);
    });

    test("the same again changes nothing, also at once", async () => {
      const again = await Promise.all([1, 2, 3].map(() => stage(contents)));
      await Promise.all(again.map((staged) => store.put(2, digest, staged)));
      expect(await contentsOf(2)).toEqual(contents);
      expect(await Array.fromAsync(store.digests(2))).toEqual([digest]);
    });

    test("are nobody else's", async () => {
      expect(await store.open(3, digest)).toBeUndefined();
      expect(await Array.fromAsync(store.digests(3))).toEqual([]);
      await store.remove(3, digest);
      expect(await contentsOf(1)).toEqual(contents);
    });

    test("a put that fails leaves nothing that could be opened", async () => {
      const staged = await stage(contents);
      await rm(staged.folder, { recursive: true });
      await expect(store.put(4, digest, staged)).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
      expect(await store.open(4, digest)).toBeUndefined();
      await store.put(4, digest, await stage(contents));
      expect(await contentsOf(4)).toEqual(contents);
    });

    test("are gone once they were removed, and may come back", async () => {
      await store.put(5, digest, await stage(contents));
      await store.remove(5, digest);
      expect(await store.open(5, digest)).toBeUndefined();
      expect(await Array.fromAsync(store.digests(5))).toEqual([]);
      await store.remove(5, digest);
      await store.put(5, digest, await stage(contents));
      expect(await contentsOf(5)).toEqual(contents);
    });

    test("a put takes what it was given, or leaves it; nothing else is touched", async () => {
      const other = await stage(contents);
      await store.put(6, digest, await stage(contents));
      await access(join(other.folder, "README.md"));
    });
  });
}
