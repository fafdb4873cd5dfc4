import { mkdir, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, expect, test } from "vitest";
import { writeFiles } from "../../../../test/support/artifacts.ts";
import { folderReader } from "../../../../test/support/folder-files.ts";
import { temporaryFolder } from "../../../../test/support/temporary-folder.ts";
import { parseArtifactUri } from "../artifact-uri.ts";
import { openLocation } from "./location.ts";

let root: string;
let outside: string;

beforeEach(async () => {
  root = await temporaryFolder();
  outside = await temporaryFolder();
  await writeFiles(root, { "line 1/a ü": "inside" });
  await writeFiles(outside, { secret: "secret" });
});

function open(uri: string, roots = [root]) {
  return openLocation(parseArtifactUri(uri).names, roots, folderReader);
}

const forbidden = (problem: RegExp) => ({
  reason: "ADAPTER_FILE_FORBIDDEN",
  metadata: { problem: expect.stringMatching(problem) },
});

test("a folder below a root is opened, however its URI is written", async () => {
  const uri = pathToFileURL(join(root, "line 1")).href;
  for (const one of [uri, `${uri}/`, `file://${root}/line 1`]) {
    const located = await open(one, ["/nowhere", `${root}/`]);
    expect(located.uri).toBe(uri);
    expect((await located.files.list()).map(({ path }) => path)).toEqual(["a ü"]);
  }
});

test("a root may be an adapter's folder itself, and lie behind a link", async () => {
  await symlink(root, join(outside, "root"));
  const located = await open(`file://${outside}/root`, [join(outside, "root")]);
  expect(await located.files.list()).toHaveLength(1);
  expect(located.uri).toBe(`file://${outside}/root`);
});

test("what is not below a root is refused, whether or not it is there", async () => {
  for (const path of [outside, `${root}x`, "/nowhere", join(root, "..")]) {
    await expect(open(pathToFileURL(path).href)).rejects.toMatchObject(forbidden(/artifact_roots/));
  }
  await expect(open(`file://${root}/line`, [])).rejects.toMatchObject(forbidden(/artifact_roots/));
});

test("a link on the way is refused", async () => {
  await symlink(outside, join(root, "link"));
  await mkdir(join(outside, "below"));
  await expect(open(`file://${root}/link`)).rejects.toMatchObject(forbidden(/symbolic link/));
  await expect(open(`file://${root}/link/below`)).rejects.toMatchObject(forbidden(/symbolic link/));
});

test("what is no folder is not found", async () => {
  for (const path of ["nothing", "line 1/a ü", "line 1/a ü/x"]) {
    const uri = pathToFileURL(join(root, path)).href;
    await expect(open(uri)).rejects.toMatchObject({ reason: "ARTIFACT_NOT_FOUND", metadata: { artifact: uri } });
  }
  await rename(root, join(outside, "moved"));
  await expect(open(`file://${root}/line 1`)).rejects.toMatchObject({ reason: "ARTIFACT_NOT_FOUND" });
});
