import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import type { Contents } from "../../../../test/support/artifacts.ts";
import { limits } from "../../../kit/limits.ts";
import { type ArtifactFiles, PIECE_BYTES } from "../artifact-store.ts";

/** How one kind of place is made. */
export interface FilesHarness {
  /** A new place that holds these files. */
  create(contents: Contents): Promise<FilesPlace>;
}

export interface FilesPlace {
  readonly files: ArtifactFiles;
  /** Writes a file, over one that is there. */
  write(path: string, content: string | Uint8Array): Promise<void>;
  remove(path: string): Promise<void>;
}

/** What all files of adapters do, wherever they lie. */
export function artifactFilesConformance(name: string, harness: FilesHarness): void {
  describe(`Files in ${name}`, () => {
    test("are listed in order of the paths' bytes, folders and all", async () => {
      const contents = {
        "b.json": "{}",
        "a/z.txt": "z",
        "a.txt": "",
        "a-b": "1",
        "ä.md": "ä",
        "a/b/c": "ccc",
        "\u{10000}": "x",
        "\uff5e": "y",
      };
      const { files } = await harness.create(contents);
      const listed = await files.list();
      expect(listed.map(({ path }) => path)).toEqual([
        "a-b",
        "a.txt",
        "a/b/c",
        "a/z.txt",
        "b.json",
        "ä.md",
        "\uff5e",
        "\u{10000}",
      ]);
      expect(listed.map(({ byteCount }) => byteCount)).toEqual([1n, 0n, 3n, 1n, 2n, 2n, 1n, 1n]);
    });

    test("are read in part and as a whole, in pieces", async () => {
      const content = randomBytes(3 * PIECE_BYTES + 17);
      const { files } = await harness.create({ "w.safetensors": content, empty: "" });
      await files.list();
      expect(Buffer.from(await files.read("w.safetensors", 0, 8))).toEqual(content.subarray(0, 8));
      expect(Buffer.from(await files.read("w.safetensors", PIECE_BYTES - 3, 6))).toEqual(
        content.subarray(PIECE_BYTES - 3, PIECE_BYTES + 3),
      );
      expect(await files.read("w.safetensors", 5, 0)).toHaveLength(0);
      const pieces = await Array.fromAsync(files.stream("w.safetensors"));
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(PIECE_BYTES);
      expect(Buffer.concat(pieces).equals(content)).toBe(true);
      expect(await buffer(files.stream("empty"))).toHaveLength(0);
    });

    test("a stream that is given up lets go of the file, and others go on", async () => {
      const content = randomBytes(2 * PIECE_BYTES);
      const { files } = await harness.create({ a: content });
      for await (const piece of files.stream("a")) {
        expect(piece.length).toBeGreaterThan(0);
        break;
      }
      expect((await buffer(files.stream("a"))).equals(content)).toBe(true);
    });

    test("what is not there, or ends before, is named", async () => {
      const { files } = await harness.create({ a: "abc" });
      const missing = { reason: "ADAPTER_FILE_MISSING", metadata: { path: "b" } };
      await expect(files.read("b", 0, 1)).rejects.toMatchObject(missing);
      await expect(buffer(files.stream("b"))).rejects.toMatchObject(missing);
      const changed = { reason: "ADAPTER_FILE_CHANGED", metadata: { path: "a" } };
      await expect(files.read("a", 2, 2)).rejects.toMatchObject(changed);
      await expect(files.read("a", 4, 2)).rejects.toMatchObject(changed);
    });

    test("a file that was changed since it was listed is refused", async () => {
      const { files, write, remove } = await harness.create({ a: "abc", b: "abc" });
      await files.list();
      await write("a", "abd");
      const changed = { reason: "ADAPTER_FILE_CHANGED", metadata: { path: "a" } };
      await expect(files.read("a", 0, 1)).rejects.toMatchObject(changed);
      await expect(buffer(files.stream("a"))).rejects.toMatchObject(changed);
      await remove("b");
      await expect(files.read("b", 0, 1)).rejects.toMatchObject({ reason: "ADAPTER_FILE_MISSING" });
      await files.list();
      expect(Buffer.from(await files.read("a", 0, 3)).toString()).toBe("abd");
    });

    const pickles: Record<string, [string, string | Uint8Array]> = {
      "named as one": ["adapter_model.bin", "anything"],
      "named in capitals": ["a/OPTIMIZER.PT", "anything"],
      "of protocol 4 under another name": ["adapter_model.safetensors", Buffer.from("80049500", "hex")],
      "of protocol 0 under another name": ["notes.txt", "cos\nsystem\n(S'true'\ntR."],
      "in a ZIP file under another name": ["weights.dat", Buffer.from("504b0304", "hex")],
    };
    test.each(Object.entries(pickles))("a pickle %s is refused, with what to do", async (_, [path, content]) => {
      const { files } = await harness.create({ "adapter_config.json": "{}", [path]: content });
      await expect(files.list()).rejects.toMatchObject({
        reason: "ADAPTER_FILE_FORBIDDEN",
        metadata: { path },
        message: expect.stringContaining("save_file"),
      });
    });

    test("files alone are counted, not the folders that hold them", async () => {
      const count = limits.artifact_files / 2 + 1;
      const paths = Array.from({ length: count }, (_, n) => `more/${n}/inside/f`);
      const { files } = await harness.create(Object.fromEntries(paths.map((path) => [path, ""])));
      expect(await files.list()).toHaveLength(count);
    });

    test("as many files as an artifact may have are listed, one more is refused", async () => {
      const contents = Object.fromEntries(Array.from({ length: limits.artifact_files }, (_, n) => [`f${n}`, ""]));
      const { files, write } = await harness.create(contents);
      expect(await files.list()).toHaveLength(limits.artifact_files);
      await write("g", "");
      await expect(files.list()).rejects.toMatchObject({
        reason: "LIMIT_EXCEEDED",
        metadata: { limit: "artifact_files", maximum: String(limits.artifact_files) },
      });
    });
  });
}
