import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Method } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { readBase } from "../../../test/support/read-base.ts";
import { safetensors } from "../../../test/support/spoiled/adapter.ts";
import { spoiledBase as base } from "../../../test/support/spoiled/case.ts";
import { type TinyFile, tinyAdapter } from "../../../test/support/tiny-adapter.ts";
import { limits } from "../../kit/limits.ts";
import type { ArtifactFiles, ListedFile } from "../artifacts/artifact-store.ts";
import { roomBytes } from "./header-room.ts";
import { Inspections } from "./inspections.ts";
import { adapterProblems, verifyAdapter } from "./verify-adapter.ts";
import { vocabularyDigest } from "./vocabulary.ts";

const pieceBytes = 256 * 1024;

/** Files that are made while they are read: a head, then the same bytes as often as it takes. */
class MadeFiles implements ArtifactFiles {
  readonly #files: ReadonlyMap<string, { readonly head: Uint8Array; readonly bytes: number }>;
  /** Called before each piece. */
  onPiece: (path: string, piece: number) => void = () => undefined;

  constructor(files: readonly (TinyFile & { readonly filled?: number })[]) {
    this.#files = new Map(
      files.map(({ path, bytes, filled = 0 }) => [path, { head: bytes, bytes: bytes.length + filled }]),
    );
  }

  async list(): Promise<readonly ListedFile[]> {
    return [...this.#files].map(([path, { bytes }]) => ({ path, byteCount: BigInt(bytes) }));
  }

  async read(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#files.get(path)?.head.subarray(offset, offset + length) ?? new Uint8Array();
  }

  async *stream(path: string): AsyncGenerator<Uint8Array> {
    const { head, bytes } = this.#files.get(path) ?? { head: new Uint8Array(), bytes: 0 };
    this.onPiece(path, 0);
    yield new Uint8Array(head);
    for (let at = head.length; at < bytes; at += pieceBytes) {
      this.onPiece(path, Math.ceil((at - head.length) / pieceBytes) + 1);
      yield new Uint8Array(Math.min(pieceBytes, bytes - at)).fill(0x11);
    }
  }
}

/** A good adapter, and a file of one tensor beside it. */
function withTensor(bytes: number): MadeFiles {
  const header = JSON.stringify({ embeddings: { dtype: "F32", shape: [bytes / 4], data_offsets: [0, bytes] } });
  const extra = { path: "new_embeddings.safetensors", bytes: safetensors(header, Buffer.alloc(0)), filled: bytes };
  return new MadeFiles([...tinyAdapter(base.name), extra]);
}

describe("inspections", () => {
  let inspections: Inspections;
  beforeEach(() => {
    inspections = new Inspections();
  });
  afterEach(() => inspections[Symbol.asyncDispose]());

  const declared = (signal = new AbortController().signal) => ({
    method: Method.METHOD_UNSPECIFIED,
    quantization: undefined,
    signal,
  });

  test("memory does not grow with the files", { timeout: 60_000 }, async () => {
    const files = withTensor(512 * 1024 * 1024);
    await verifyAdapter({ inspections }, withTensor(1024), readBase(base), declared());
    const before = process.memoryUsage().rss;
    let most = 0;
    files.onPiece = () => {
      most = Math.max(most, process.memoryUsage().rss);
    };
    const { files: read } = await verifyAdapter({ inspections }, files, readBase(base), declared());
    expect(read.map(({ path }) => path)).toEqual([
      "adapter_config.json",
      "adapter_model.safetensors",
      "new_embeddings.safetensors",
    ]);
    // Pieces that nobody needs any more wait for two threads' garbage collectors.
    expect(most - before).toBeLessThan(160 * 1024 * 1024);
  });

  test("an abort ends the reading at once", async () => {
    const files = withTensor(1024 * 1024 * 1024);
    const abort = new AbortController();
    const pieces: number[] = [];
    files.onPiece = (_path, piece) => {
      pieces.push(piece);
      if (piece === 3) abort.abort(new Error("no longer wanted"));
    };
    await expect(verifyAdapter({ inspections }, files, readBase(base), declared(abort.signal))).rejects.toThrow(
      "no longer wanted",
    );
    expect(Math.max(...pieces)).toBe(3);
    await expect(verifyAdapter({ inspections }, withTensor(4), readBase(base), declared())).resolves.toMatchObject({
      method: 1,
    });
  });

  test("a small adapter does not wait for the end of a large one", { timeout: 60_000 }, async () => {
    const ended: string[] = [];
    const large = verifyAdapter({ inspections }, withTensor(256 * 1024 * 1024), readBase(base), declared()).then(() =>
      ended.push("large"),
    );
    const small = verifyAdapter({ inspections }, withTensor(4), readBase(base), declared()).then(() =>
      ended.push("small"),
    );
    await Promise.all([large, small]);
    expect(ended).toEqual(["small", "large"]);
  });

  test("the base model is read once there is room for its layers", async () => {
    const { base_model_layer_bytes: bytes } = limits;
    using _taken = await inspections.room.take(roomBytes - bytes, declared().signal);
    const reads: string[] = [];
    const verify = (name: string, layerBytes: number, signal?: AbortSignal) => {
      const read = async () => {
        reads.push(name);
        return readBase(base).read();
      };
      return verifyAdapter(
        { inspections },
        withTensor(4),
        { vocabularyDigest: "", layerBytes: async () => layerBytes, read },
        declared(signal),
      );
    };
    const abort = new AbortController();
    // Its files need room too.
    const large = verify("large", bytes, abort.signal);
    const small = verify("small", 1);
    await new Promise(setImmediate);
    expect(reads).toEqual([]);
    abort.abort(new Error("no longer wanted"));
    await expect(large).rejects.toThrow("no longer wanted");
    await small;
    expect(reads).toEqual(["small"]);
  });

  test("a tokenizer is read once there is room for it, unless there is nothing to compare it with", async () => {
    using _taken = await inspections.room.take(roomBytes - 4096, declared().signal);
    const files = () => withTokenizer('{"model":{"vocab":{"b":1,"ä":0}}}'.padEnd(8192));
    await verifyAdapter({ inspections }, files(), readBase({ ...base, vocabularyDigest: "" }), declared());
    const abort = new AbortController();
    const waiting = verifyAdapter({ inspections }, files(), readBase(base), declared(abort.signal));
    await new Promise((resolve) => setTimeout(resolve, 100));
    abort.abort(new Error("still waiting"));
    await expect(waiting).rejects.toThrow("still waiting");
  });

  /** A good adapter with a tokenizer that is made of many small parts. */
  const withTokenizer = (text: string) =>
    new MadeFiles([...tinyAdapter(base.name), { path: "tokenizer.json", bytes: Buffer.from(text) }]);

  test("a tokenizer of 250,000 tokens and 500,000 merges is compared", { timeout: 120_000 }, async () => {
    const tokens = Array.from({ length: 250_000 }, (_, id) => [`▁token ${(id * 7919) % 250_000}`, id]);
    const merges = Array.from({ length: 500_000 }, (_, place) => [`▁left ${place}`, `right ${place}`]);
    const tokenizer = (changed: readonly (readonly unknown[])[]) =>
      JSON.stringify({ model: { vocab: Object.fromEntries(changed), merges } }, null, 2);
    const text = tokenizer(tokens);
    expect(text.length).toBeGreaterThan(33_000_000);
    const large = { ...base, vocabularyDigest: vocabularyDigest(text) };
    await verifyAdapter({ inspections }, withTokenizer(text), readBase(large), declared());
    const others = withTokenizer(tokenizer([["another token", 250_000], ...tokens]));
    const { problems } = await adapterProblems({ inspections }, others, readBase(large), declared());
    expect(problems).toMatchObject([{ reason: "TOKENIZER_MISMATCH" }]);
  });

  test.each<[string, string, string]>([
    ["objects", '{"many":[', "{},"],
    ["keys", "{", '"":0,'],
    ["digits", '{"number":', "1"],
    ["escapes", '{"text":"', '\\"'],
  ])(
    "a hostile tokenizer of nothing but %s leaves the thread as it was",
    { timeout: 60_000 },
    async (_, head, part) => {
      const text = head + part.repeat(Math.floor((limits.tokenizer_bytes - head.length) / part.length));
      const { problems } = await adapterProblems({ inspections }, withTokenizer(text), readBase(base), declared());
      expect(problems).toMatchObject([{ reason: "ADAPTER_FILE_FORBIDDEN" }]);
    },
  );

  test("the largest vocabulary of distinct tokens fits into the thread", { timeout: 120_000 }, async () => {
    const tokens = Array.from({ length: limits.tokenizer_tokens }, (_, id) => `"${`${id}é▁`.padEnd(40)}":${id * 4095}`);
    const text = `{"model":{"vocab":{${tokens.join()}}}}`;
    expect(Buffer.byteLength(text)).toBeLessThan(limits.tokenizer_bytes);
    const { problems } = await adapterProblems({ inspections }, withTokenizer(text), readBase(base), declared());
    expect(problems).toMatchObject([{ reason: "TOKENIZER_MISMATCH" }]);
  });

  test.each([3n, 5n])("a file of 4 bytes that was listed with %d is a changed one", async (listedBytes) => {
    const files = new MadeFiles([...tinyAdapter(base.name), { path: "README.md", bytes: Buffer.from("text") }]);
    const listed = await files.list();
    files.list = async () =>
      listed.map((file) => (file.path === "README.md" ? { ...file, byteCount: listedBytes } : file));
    await expect(verifyAdapter({ inspections }, files, readBase(base), declared())).rejects.toMatchObject({
      reason: "ADAPTER_FILE_CHANGED",
      metadata: { path: "README.md", expected: `${listedBytes} bytes`, actual: "4 bytes" },
    });
  });

  test("no more faults are told than the limit", async () => {
    const tensors = Array.from({ length: limits.adapter_problems + 1 }, (_, number) => [
      `t${number}`,
      { dtype: "U8", shape: [], data_offsets: [number, number + 1] },
    ]);
    const bytes = safetensors(JSON.stringify(Object.fromEntries(tensors)), Buffer.alloc(tensors.length));
    const [configuration] = tinyAdapter(base.name);
    const files = new MadeFiles([configuration as TinyFile, { path: "adapter_model.safetensors", bytes }]);
    const { problems } = await adapterProblems({ inspections }, files, readBase(base), declared());
    expect(problems).toHaveLength(limits.adapter_problems);
    const fewer = safetensors(JSON.stringify(Object.fromEntries(tensors.slice(0, 3))), Buffer.alloc(3));
    const others = new MadeFiles([configuration as TinyFile, { path: "adapter_model.safetensors", bytes: fewer }]);
    const reasons = (await adapterProblems({ inspections }, others, readBase(base), declared())).problems.map(
      ({ reason }) => reason,
    );
    expect(reasons).toEqual([
      ...Array(3).fill("ADAPTER_TENSOR_TYPE"),
      ...Array(4).fill("ADAPTER_TENSOR_MISSING"),
      ...Array(3).fill("ADAPTER_TENSOR_UNEXPECTED"),
    ]);
  });
});
