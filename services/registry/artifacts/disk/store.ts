import { randomUUID } from "node:crypto";
import { rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ServiceError } from "../../../kit/errors.ts";
import { makeFolder, namesIn, syncFolder } from "../../../kit/folders.ts";
import type { TenantId } from "../../../store/store.ts";
import { storageUnavailable } from "../artifact-errors.ts";
import type { ArtifactFiles, ArtifactStore, StagedFiles } from "../artifact-store.ts";
import { checkedFile } from "../checked-file.ts";
import { absent } from "./absent.ts";
import { FolderFiles } from "./files.ts";
import type { FolderReader } from "./folder-reader.ts";

/** Artifacts in a folder of this machine, or one that several share: `<folder>/t<tenant>/<digest>/<path>`. */
export class DiskArtifactStore implements ArtifactStore {
  readonly #folder: string;
  readonly #aside: string;
  readonly #reader: FolderReader;

  /** `aside`: a folder on the same disk for what is being removed; whoever keeps it clean removes the rest of a broken-off removal. */
  constructor(folder: string, aside: string, reader: FolderReader) {
    this.#folder = resolve(folder);
    this.#aside = aside;
    this.#reader = reader;
  }

  uri(tenant: TenantId, digest: string): string {
    return pathToFileURL(this.#path(tenant, digest)).href;
  }

  async put(tenant: TenantId, digest: string, { folder, files }: StagedFiles): Promise<void> {
    const path = this.#path(tenant, digest);
    const kept = await this.open(tenant, digest);
    const isWhole = kept !== undefined && (await hasFiles(kept, files));
    if (kept !== undefined && !isWhole) await this.remove(tenant, digest);
    try {
      await makeFolder(dirname(path));
      if (!isWhole) await renameTo(path, folder);
      await syncFolder(dirname(path));
    } catch (error) {
      throw storageUnavailable(error);
    }
  }

  async open(tenant: TenantId, digest: string): Promise<ArtifactFiles | undefined> {
    const folder = await this.#reader.find(this.#path(tenant, digest));
    return folder === undefined ? undefined : new FolderFiles(folder, this.#reader);
  }

  async remove(tenant: TenantId, digest: string): Promise<void> {
    const aside = join(this.#aside, `removed-${randomUUID()}`);
    try {
      await makeFolder(this.#aside);
      await rename(this.#path(tenant, digest), aside).catch(absent);
      await rm(aside, { recursive: true, force: true });
    } catch (error) {
      throw storageUnavailable(error);
    }
  }

  async *digests(tenant: TenantId): AsyncGenerator<string> {
    const names = namesIn(this.#tenantFolder(tenant));
    yield* await names.catch((error: unknown) => {
      throw storageUnavailable(error);
    });
  }

  async writeTime(tenant: TenantId, digest: string): Promise<number | undefined> {
    return (await stat(this.#path(tenant, digest)).catch(absent))?.mtimeMs;
  }

  #path(tenant: TenantId, digest: string): string {
    return join(this.#tenantFolder(tenant), digest);
  }

  #tenantFolder(tenant: TenantId): string {
    return join(this.#folder, `t${tenant}`);
  }
}

/** Whether a folder holds exactly these files, byte for byte. */
async function hasFiles(kept: ArtifactFiles, files: StagedFiles["files"]): Promise<boolean> {
  try {
    if ((await kept.list()).length !== files.length) return false;
    for (const file of files) for await (const _ of checkedFile(kept, file));
    return true;
  } catch (error) {
    if (error instanceof ServiceError && error.reason.startsWith("ADAPTER_FILE_")) return false;
    throw error;
  }
}

/** Another process may put the same artifact there at the same moment. */
async function renameTo(path: string, folder: string): Promise<void> {
  await rename(folder, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
}
