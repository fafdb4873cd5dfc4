import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isOlder, makeFolder, namesIn, syncFolder } from "../../../kit/folders.ts";
import { prefixRange } from "../../../store/range.ts";
import type { StoreReader, TenantId } from "../../../store/store.ts";
import { blockUseKey, snapshotKey } from "../../keys.ts";
import { Mutex } from "../mutex.ts";
import { tablesFolder } from "../table/table-file.ts";
import {
  type BuildingBlock,
  blockPath,
  blocksFolder,
  buildingFolder,
  buildingPath,
  buildingPrefix,
} from "./block-paths.ts";
import type { OpenFiles } from "./open-files.ts";

/** Where other processes share the folder, a younger file may be one that they are about to use. */
const SETTLED_MILLIS = 10 * 60 * 1000;

/** The files of all blocks. Publishing a block and removing one never overlap in a process, since equal blocks share a file. */
export class BlockFiles {
  readonly #dataDirectory: string;
  readonly #store: StoreReader;
  readonly #open: OpenFiles;
  readonly #shared: boolean;
  readonly #mutex = new Mutex();

  /** `open`: files that readers hold; `shared`: other processes use the same store and folder. */
  constructor(dataDirectory: string, store: StoreReader, open: OpenFiles, shared: boolean) {
    this.#dataDirectory = dataDirectory;
    this.#store = store;
    this.#open = open;
    this.#shared = shared;
  }

  path(tenant: TenantId, digest: Uint8Array): string {
    return blockPath(this.#dataDirectory, tenant, digest);
  }

  buildingPath(block: BuildingBlock): string {
    return buildingPath(this.#dataDirectory, block);
  }

  /** Gives a finished block its name, durably, then runs `commit`, which says in the store who uses it. */
  publish(building: string, path: string, commit: () => Promise<void>): Promise<void> {
    return this.#mutex.run(async () => {
      await makeFolder(dirname(path));
      await rename(building, path);
      await syncFolder(dirname(path));
      await commit();
    });
  }

  /** Removes a block unless a snapshot uses it. Where other processes share the folder, a young one is left to a later sweep. */
  removeUnused(tenant: TenantId, digest: Uint8Array): Promise<void> {
    return this.#mutex.run(async () => {
      if (await this.#isUsed(tenant, digest)) return;
      this.#open.close(this.path(tenant, digest));
      if (this.#shared) await this.#removeSettled(tenant, digest);
      else await rm(this.path(tenant, digest), { force: true });
    });
  }

  /** Others may publish the same block at any moment: it is looked at again once it is out of the way. */
  async #removeSettled(tenant: TenantId, digest: Uint8Array): Promise<void> {
    const path = this.path(tenant, digest);
    if (!(await isOlder(path, SETTLED_MILLIS))) return;
    const aside = join(buildingFolder(this.#dataDirectory), `removed-${randomUUID()}`);
    await rename(path, aside);
    const needed = !(await isOlder(aside, SETTLED_MILLIS)) || (await this.#isUsed(tenant, digest));
    await (needed ? rename(aside, path) : rm(aside));
  }

  async #isUsed(tenant: TenantId, digest: Uint8Array): Promise<boolean> {
    const uses = await this.#store.scan(tenant, prefixRange(blockUseKey(digest, new Uint8Array())), { limit: 1 });
    return uses.entries.length > 0;
  }

  /** Removes what crashes left and nothing names. Files younger than `minimumAgeMillis` may belong to a build and stay. */
  async removeOrphans(tenant: TenantId, minimumAgeMillis: number): Promise<void> {
    const folder = join(blocksFolder(this.#dataDirectory), String(tenant));
    for (const shard of await namesIn(folder)) {
      for (const name of await namesIn(join(folder, shard))) {
        const old = await isOlder(join(folder, shard, name), minimumAgeMillis);
        if (old) await this.removeUnused(tenant, Buffer.from(name, "hex"));
      }
    }
  }

  /** Removes tables that were broken off, and those whose snapshot is gone. */
  async removeOrphanTables(tenant: TenantId, minimumAgeMillis: number): Promise<void> {
    const folder = tablesFolder(this.#dataDirectory, tenant);
    for (const name of await namesIn(folder)) {
      const [snapshot = "", suffix] = name.split(".", 2);
      const isWhole = suffix === undefined || suffix === "ids";
      const isNeeded =
        isWhole && (await this.#store.get(tenant, snapshotKey(Buffer.from(snapshot, "hex")))) !== undefined;
      const path = join(folder, name);
      if (!isNeeded && (await isOlder(path, minimumAgeMillis))) await rm(path, { force: true });
    }
  }

  /** Removes what builds of a snapshot were writing. */
  async removeBuilding(tenant: TenantId, snapshot: Uint8Array): Promise<void> {
    const folder = buildingFolder(this.#dataDirectory);
    const prefix = buildingPrefix(tenant, snapshot);
    const names = (await namesIn(folder)).filter((name) => name.startsWith(prefix));
    for (const name of names) await rm(join(folder, name), { force: true });
  }

  /** Removes what builds were writing when they were broken off, and no build has gone on with since. */
  async removeOldBuilding(minimumAgeMillis: number): Promise<void> {
    const folder = buildingFolder(this.#dataDirectory);
    for (const name of await namesIn(folder)) {
      if (await isOlder(join(folder, name), minimumAgeMillis)) await rm(join(folder, name), { force: true });
    }
  }
}
