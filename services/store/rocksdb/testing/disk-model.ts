import { dirname } from "node:path";
import type { Call } from "./trace.ts";

interface File {
  content: Buffer;
  /** At its last fsync. */
  durable: Buffer;
}

/** Follows system calls and knows what of their effects a power cut would leave. */
export class DiskModel {
  readonly #names: Map<string, File>;
  #durableNames: Map<string, File>;
  readonly #offsets = new Map<string, number>();

  /** What is there at first is durable. */
  constructor(files: ReadonlyMap<string, Buffer>) {
    this.#names = new Map([...files].map(([path, content]) => [path, { content, durable: content }]));
    this.#durableNames = new Map(this.#names);
  }

  apply(call: Call): void {
    switch (call.name) {
      case "open":
        this.#open(call);
        break;
      case "write":
        this.#write(call.path, call.data, call.offset ?? this.#advance(call.file, call.data.length));
        break;
      case "truncate":
        this.#truncate(call.path, call.length);
        break;
      case "sync":
        this.#sync(call.path);
        break;
      case "rename":
        this.#rename(call.path, call.to);
        break;
      case "unlink":
        this.#names.delete(call.path);
        break;
      default:
        call satisfies never;
    }
  }

  afterPowerCut(): Map<string, Buffer> {
    return new Map([...this.#durableNames].map(([path, { durable }]) => [path, durable]));
  }

  #open({ path, file, truncates }: Extract<Call, { name: "open" }>): void {
    this.#offsets.set(file, 0);
    if (!this.#names.has(path)) this.#names.set(path, { content: empty, durable: empty });
    if (truncates) this.#truncate(path, 0);
  }

  #advance(file: string, length: number): number {
    const offset = this.#offsets.get(file) ?? 0;
    this.#offsets.set(file, offset + length);
    return offset;
  }

  #write(path: string, data: Buffer, offset: number): void {
    const file = this.#names.get(path);
    if (!file) return;
    const content = Buffer.alloc(Math.max(file.content.length, offset + data.length));
    file.content.copy(content);
    data.copy(content, offset);
    file.content = content;
  }

  #truncate(path: string, length: number): void {
    const file = this.#names.get(path);
    if (file) file.content = Buffer.concat([file.content, Buffer.alloc(length)]).subarray(0, length);
  }

  /** Of a folder, the names in it become durable; of a file, its content. */
  #sync(path: string): void {
    const file = this.#names.get(path);
    if (file) file.durable = file.content;
    const elsewhere = [...this.#durableNames].filter(([name]) => dirname(name) !== path);
    const here = [...this.#names].filter(([name]) => dirname(name) === path);
    this.#durableNames = new Map([...elsewhere, ...here]);
  }

  #rename(from: string, to: string): void {
    const file = this.#names.get(from);
    if (!file) return;
    this.#names.delete(from);
    this.#names.set(to, file);
  }
}

const empty = Buffer.alloc(0);
