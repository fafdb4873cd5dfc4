import { access, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { digestOf, filesOf } from "../../../test/support/artifacts.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { limits } from "../../kit/limits.ts";
import { StagedArtifact } from "./staged-artifact.ts";
import { Staging } from "./staging.ts";

const large = BigInt(limits.artifact_file_bytes);

test("files come in piece by piece, for nobody to write to, and go with what they were staged for", async () => {
  const staging = new Staging(join(await temporaryFolder(), "staging"), 1_000n);
  const contents = { "a.json": "{}", "b/c/d": "four", "b/e": "" };
  let folder = "";
  {
    await using staged = await staging.begin();
    folder = staged.folder;
    for (const [path, content] of Object.entries(contents)) {
      await staged.begin(path, BigInt(content.length));
      for (const letter of content) await staged.write(Buffer.from(letter));
    }
    await staged.finish(digestOf(contents));
    expect(staged.files).toEqual(filesOf(contents));
    expect(await readFile(join(folder, "b/c/d"), "utf8")).toBe("four");
    expect((await stat(join(folder, "a.json"))).mode & 0o222).toBe(0);
  }
  await expect(access(folder)).rejects.toThrow("ENOENT");
  expect(await readdir(staging.folder)).toEqual([]);
});

test("whether a file is a pickle does not depend on how it is cut", async () => {
  const staging = new Staging(join(await temporaryFolder(), "staging"), 10_000n);
  await using staged = await staging.begin();
  // A header of 640 bytes: its length, 80 02, is how a pickle of protocol 2 begins.
  const weights = Buffer.alloc(8 + 640, " ");
  weights.writeBigUInt64LE(640n);
  weights.write("{", 8);
  for (const [path, first] of [
    ["a.safetensors", 1],
    ["b.safetensors", 8],
    ["c.safetensors", 600],
  ] as const) {
    await staged.begin(path, BigInt(weights.length));
    await staged.write(weights.subarray(0, first));
    await staged.write(weights.subarray(first));
  }
  const forbidden = { reason: "ADAPTER_FILE_FORBIDDEN" };
  for (const length of [7, 255, 256, 1_000]) {
    const pickle = Buffer.alloc(length, "\x80\x04\x95", "latin1");
    await using refused = await staging.begin();
    await refused.begin("a.safetensors", BigInt(length));
    const writing = async () => {
      for (const byte of pickle) await refused.write(Buffer.of(byte));
    };
    await expect(writing()).rejects.toMatchObject(forbidden);
  }
});

test("a file may be as long as the limit says, and no longer", async () => {
  const staging = new Staging(join(await temporaryFolder(), "staging"), 2n * large);
  await using staged = await staging.begin();
  await staged.begin("a", large);
  await using other = await staging.begin();
  await expect(other.begin("a", large + 1n)).rejects.toMatchObject({
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "artifact_file_bytes", maximum: String(large), actual: String(large + 1n) },
  });
});

test("a disk that takes nothing is said to be unavailable", async () => {
  const staging = new Staging("/dev/null/staging", 1_000n);
  await expect(staging.begin()).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
});

test("an artifact whose folder cannot be removed has ended nevertheless: the sweep tries again", async () => {
  let ended = false;
  const staged = new StagedArtifact("/dev/null/staged", 1_000n, () => {
    ended = true;
  });
  await expect(staged[Symbol.asyncDispose]()).rejects.toThrow("ENOTDIR");
  expect(ended).toBe(true);
});
