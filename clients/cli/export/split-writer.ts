import { join } from "node:path";
import type { Sample } from "../../typescript/src/index.ts";
import { partPath, sumOf } from "./export-folder.ts";
import type { FileOptions } from "./export-index.ts";
import type { SplitState } from "./export-state.ts";
import type { StructType } from "./sample-type.ts";
import { openShard, type Shard } from "./shard.ts";

const saveEveryBytes = 64 * 1024 * 1024;

export interface SplitWriterOptions {
  readonly folder: string;
  readonly files: FileOptions;
  readonly split: SplitState;
  /** Type of all samples so far; asked for when it has to be final. */
  readonly type: () => StructType;
  /** Keeps the split's state: what it counts is on disk. */
  readonly save: () => void;
}

/** Cuts the samples of a split into shards. What is in which shard follows from the samples alone. */
export class SplitWriter {
  readonly #options: SplitWriterOptions;
  #shard: Shard | undefined;
  /** Of the shard that is open. */
  #samples = 0;
  #lineBytes = 0;
  #savedLineBytes = 0;
  /** What was begun and did not come to its end, is not what the counts say. */
  #isWhole = true;

  constructor(options: SplitWriterOptions) {
    this.#options = options;
  }

  async add(line: Uint8Array, sample: Sample): Promise<void> {
    const { shard_size } = this.#options.files;
    this.#isWhole = false;
    this.#shard ??= await this.#open();
    if (shard_size > 0 && this.#samples > 0 && this.#lineBytes + line.length > shard_size) {
      await this.#finishShard(this.#shard);
      this.#shard = await this.#open();
    }
    const wait = this.#shard.add(line, sample);
    if (wait !== undefined) await wait;
    this.#samples += 1;
    this.#lineBytes += line.length;
    if (this.#lineBytes - this.#savedLineBytes >= saveEveryBytes) this.#save(this.#shard);
    this.#isWhole = true;
  }

  /** No sample follows. A file that cannot be cut into shards is there even without any. */
  async finish(): Promise<void> {
    this.#isWhole = false;
    if (this.#options.files.adapter_set && this.#options.split.shards.length === 0) this.#shard ??= await this.#open();
    if (this.#shard !== undefined) await this.#finishShard(this.#shard);
  }

  /** Leaves what is needed to go on; after a failure to write, what was saved before. */
  close(): void {
    if (this.#shard === undefined) return;
    if (this.#isWhole) this.#save(this.#shard);
    this.#shard.close();
  }

  async #open(): Promise<Shard> {
    const { folder, files, split, type } = this.#options;
    this.#samples = split.part?.samples ?? 0;
    this.#lineBytes = this.#savedLineBytes = split.part?.line_bytes ?? 0;
    return await openShard(join(folder, this.#path()), { ...files, type, keep: split.part?.bytes ?? 0 });
  }

  #path(): string {
    const { files, split } = this.#options;
    return partPath(files, split.name, split.shards.length);
  }

  #save(shard: Shard): void {
    const bytes = shard.save();
    this.#savedLineBytes = this.#lineBytes;
    if (bytes === undefined) return;
    this.#options.split.part = { samples: this.#samples, bytes, line_bytes: this.#lineBytes };
    this.#options.save();
  }

  async #finishShard(shard: Shard): Promise<void> {
    const { split, save } = this.#options;
    const { bytes, sha256 } = await shard.finish();
    const entry = { path: this.#path(), samples: this.#samples, bytes, line_bytes: this.#lineBytes, sha256 };
    split.shards.push(entry);
    delete split.part;
    this.#shard = undefined;
    save();
  }
}

/** Index of the first sample that is not in the files. */
export function nextIndex({ shards, part }: SplitState): number {
  return sumOf(shards, "samples") + (part?.samples ?? 0);
}
