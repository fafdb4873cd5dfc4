import { mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tinyAdapter } from "../tiny-adapter.ts";

/** An entry of a safetensors header, or whatever a test makes of it. */
export type HeaderEntry = Record<string, unknown>;

const weights = "adapter_model.safetensors";
const configuration = "adapter_config.json";

/** A good adapter that a test spoils before its files are written to a folder, which is gone at the end. */
export class SpoiledAdapter implements AsyncDisposable {
  readonly files: Map<string, Buffer>;
  /** Where the files are written. */
  readonly folder: string;

  private constructor(folder: string, baseModel: string) {
    this.folder = folder;
    this.files = new Map(tinyAdapter(baseModel).map(({ path, bytes }) => [path, Buffer.from(bytes)]));
  }

  /** @param parent where its folder is made */
  static async make(baseModel: string, parent: string = tmpdir()): Promise<SpoiledAdapter> {
    return new SpoiledAdapter(await realpath(await mkdtemp(join(parent, "loraloop-spoiled-"))), baseModel);
  }

  async write(): Promise<void> {
    for (const [path, bytes] of this.files) await writeFile(join(this.folder, path), bytes);
  }

  /** Sets fields of `adapter_config.json`; undefined removes one. */
  configure(fields: Readonly<Record<string, unknown>>): void {
    this.text(configuration, JSON.stringify({ ...JSON.parse(this.file(configuration).toString()), ...fields }));
  }

  text(path: string, text: string): void {
    this.files.set(path, Buffer.from(text));
  }

  /** Writes another header before the same weights. */
  header(change: (header: Record<string, HeaderEntry>) => unknown): void {
    const { header, data } = this.weights();
    this.rawHeader(JSON.stringify(change(header)), data);
  }

  /** Writes a header as it is given. */
  rawHeader(text: string | Buffer, data: Buffer = this.weights().data): void {
    this.files.set(weights, safetensors(text, data));
  }

  /** Writes a header that declares another length than it has. */
  headerLength(length: bigint): void {
    this.file(weights).writeBigUInt64LE(length);
  }

  /** The bytes of the weights, to be changed in place. */
  get data(): Buffer {
    return this.weights().data;
  }

  weights(): { readonly header: Record<string, HeaderEntry>; readonly data: Buffer } {
    const file = this.file(weights);
    const end = 8 + Number(file.readBigUInt64LE());
    return { header: JSON.parse(file.toString("utf8", 8, end)), data: file.subarray(end) };
  }

  file(path: string): Buffer {
    const file = this.files.get(path);
    if (file === undefined) throw new Error(`There is no ${path}.`);
    return file;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** A safetensors file of a header and the bytes that follow it. */
export function safetensors(header: string | Buffer, data: Uint8Array): Buffer {
  const text = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}
