import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { type Store, type TenantId, transferListOf } from "../../../store/store.ts";
import type { OpenFiles } from "../blocks/open-files.ts";
import { blockMissing, contentDamaged } from "../snapshot-errors.ts";
import { openSampleTable, type SampleTable } from "./sample-table.ts";
import { longIdsPath, tablePath } from "./table-file.ts";
import type { TableJob } from "./table-thread.ts";

export interface SampleTablesOptions {
  readonly store: Store;
  readonly dataDirectory: string;
  readonly files: OpenFiles;
}

/** The sample tables of this process: each is loaded once while somebody uses it, and made again where it is missing. */
export class SampleTables {
  readonly #options: SampleTablesOptions;
  readonly #loaded = new Map<string, WeakRef<SampleTable>>();
  readonly #making = new Map<string, Promise<void>>();

  constructor(options: SampleTablesOptions) {
    this.#options = options;
  }

  /** The table of a sealed snapshot. Rejects with CONTENT_DAMAGED where its blocks are missing. */
  async open(tenant: TenantId, snapshot: Uint8Array): Promise<SampleTable> {
    const path = tablePath(this.#options.dataDirectory, tenant, snapshot);
    const table = this.#load(path) ?? (await this.#make({ tenant, snapshot, path }));
    if (table === undefined) throw contentDamaged(snapshot, 0);
    return table;
  }

  /** Removes the table of a snapshot that is removed. */
  remove(tenant: TenantId, snapshot: Uint8Array): void {
    const path = tablePath(this.#options.dataDirectory, tenant, snapshot);
    this.#loaded.delete(path);
    for (const file of [path, longIdsPath(path)]) {
      this.#options.files.close(file);
      rmSync(file, { force: true });
    }
  }

  #load(path: string): SampleTable | undefined {
    const known = this.#loaded.get(path)?.deref();
    if (known !== undefined && isThere(known)) return known;
    // Another file may have come in its place.
    this.#options.files.close(path);
    this.#options.files.close(longIdsPath(path));
    const table = openSampleTable(path, this.#options.files);
    if (table !== undefined) this.#loaded.set(path, new WeakRef(table));
    return table;
  }

  async #make({
    tenant,
    snapshot,
    path,
  }: Omit<TableJob, "store" | "dataDirectory"> & { path: string }): Promise<SampleTable | undefined> {
    const { store, dataDirectory } = this.#options;
    const making = this.#making.get(path) ?? runThread({ store: store.share(), tenant, snapshot, dataDirectory });
    this.#making.set(path, making);
    try {
      await making;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      throw blockMissing(snapshot, 0, error as Error);
    } finally {
      this.#making.delete(path);
    }
    return this.#load(path);
  }
}

/** Whether its files are where they were. */
export function isThere({ path, hasLongIds }: SampleTable): boolean {
  return existsSync(path) && (!hasLongIds || existsSync(longIdsPath(path)));
}

async function runThread(job: TableJob): Promise<void> {
  const resourceLimits = { maxYoungGenerationSizeMb: 3 };
  const thread = new Worker(new URL("./table-thread.ts", import.meta.url), {
    workerData: job,
    transferList: transferListOf(job.store),
    name: "table",
    resourceLimits,
  });
  // Rejects with what the thread throws.
  await once(thread, "exit");
}
