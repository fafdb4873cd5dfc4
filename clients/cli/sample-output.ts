import { once } from "node:events";
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { z } from "zod";
import type { StreamState } from "../typescript/src/index.ts";
import { InputError } from "./failure.ts";
import { anyObject, parseStrict } from "./strict-json.ts";

/** Where lines go. */
export interface SampleOutput {
  /** What an interrupted run left; undefined at the start of the stream. */
  readonly resume: StreamState | undefined;
  write(lines: Uint8Array, state: StreamState): Promise<void>;
  /** Everything has come. */
  finish(): void;
  /** Leaves what is needed to go on. */
  close(): void;
}

export class StandardOutput implements SampleOutput {
  readonly resume = undefined;

  async write(lines: Uint8Array): Promise<void> {
    if (!process.stdout.write(lines)) await once(process.stdout, "drain");
  }

  finish(): void {}

  close(): void {}
}

const saveEveryBytes = 8 * 1024 * 1024;

interface Saved {
  readonly bytes: number;
  /** Absent before the first samples. */
  readonly state?: StreamState;
}

const savedFile = z.strictObject({ bytes: z.int().nonnegative(), state: anyObject.optional() });

/** A file, and beside it while it is incomplete `FILE.state.json`: how many bytes of it count, and the stream's state after them. */
export class FileOutput implements SampleOutput {
  readonly resume: StreamState | undefined;
  readonly #path: string;
  readonly #file: number;
  #bytes: number;
  #savedBytes: number;
  #state: StreamState | undefined;
  #finished = false;

  /**
   * @param resume goes on with what an interrupted run left, or begins where there is no file. Throws InputError where the file has no state beside
   * it, and without `resume` where samples of an interrupted run would be lost.
   */
  constructor(path: string, resume: boolean) {
    if (!resume) checkNothingLost(path);
    const saved = resume ? readSaved(path) : undefined;
    this.#path = path;
    this.#file = openSync(path, saved ? "r+" : "w");
    this.#bytes = this.#savedBytes = saved?.bytes ?? 0;
    this.resume = this.#state = saved?.state;
    ftruncateSync(this.#file, this.#bytes);
    this.#save();
  }

  async write(lines: Uint8Array, state: StreamState): Promise<void> {
    let written = 0;
    while (written < lines.length)
      written += writeSync(this.#file, lines, written, lines.length - written, this.#bytes + written);
    this.#bytes += lines.length;
    this.#state = state;
    if (this.#bytes - this.#savedBytes >= saveEveryBytes) this.#save();
  }

  finish(): void {
    fdatasyncSync(this.#file);
    rmSync(stateFile(this.#path));
    this.#finished = true;
  }

  close(): void {
    if (!this.#finished) this.#save();
    closeSync(this.#file);
  }

  #save(): void {
    fdatasyncSync(this.#file);
    const saved: Saved = { bytes: this.#bytes, ...(this.#state && { state: this.#state }) };
    writeFileSync(`${stateFile(this.#path)}.new`, JSON.stringify(saved));
    renameSync(`${stateFile(this.#path)}.new`, stateFile(this.#path));
    this.#savedBytes = this.#bytes;
  }
}

function stateFile(path: string): string {
  return `${path}.state.json`;
}

function checkNothingLost(path: string): void {
  const file = stateFile(path);
  if (!existsSync(path) || !existsSync(file) || readSaved(path)?.state === undefined) return;
  throw new InputError(
    `${path} is of an interrupted run: --resume goes on with it. To begin again, remove ${file} first.`,
  );
}

function readSaved(path: string): Saved | undefined {
  const file = stateFile(path);
  if (!existsSync(file)) {
    if (!existsSync(path)) return undefined;
    throw new InputError(`${path} has no ${file} beside it: it is complete, or no interrupted run wrote it.`);
  }
  const saved = parseStrict(savedFile, readFileSync(file, "utf8"), file);
  const size = existsSync(path) ? statSync(path).size : 0;
  if (size < saved.bytes) throw new InputError(`${path} has ${size} bytes, but by ${file} ${saved.bytes} are right.`);
  return saved as Saved;
}
