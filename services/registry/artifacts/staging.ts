import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { isWhollyOlder, makeFolder, namesIn } from "../../kit/folders.ts";
import { storageUnavailable } from "./artifact-errors.ts";
import { StagedArtifact } from "./staged-artifact.ts";

/** The folder of artifacts that come in; on the disk where they stay, so that they are renamed into place. */
export class Staging {
  readonly folder: string;
  readonly #maximumBytes: bigint;
  readonly #running = new Set<string>();

  /** `maximumBytes`: of all files of an artifact together. */
  constructor(folder: string, maximumBytes: bigint) {
    this.folder = folder;
    this.#maximumBytes = maximumBytes;
  }

  /** Begins an artifact. Dispose of it, whatever happened: what is still there goes. */
  async begin(): Promise<StagedArtifact> {
    const name = randomUUID();
    this.#running.add(name);
    const ended = (): void => void this.#running.delete(name);
    try {
      await makeFolder(join(this.folder, name));
    } catch (error) {
      ended();
      throw storageUnavailable(error);
    }
    return new StagedArtifact(join(this.folder, name), this.#maximumBytes, ended);
  }

  /** Removes what broken-off uploads and removals left and nobody has changed for so long. Those that run here stay. */
  async removeOld(minimumAgeMillis: number): Promise<void> {
    for (const name of await namesIn(this.folder)) {
      if (this.#running.has(name)) continue;
      const path = join(this.folder, name);
      if (await isWhollyOlder(path, minimumAgeMillis)) await rm(path, { recursive: true, force: true });
    }
  }
}
