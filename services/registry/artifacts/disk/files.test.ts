import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { link, rename, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { writeFiles } from "../../../../test/support/artifacts.ts";
import { folderFiles } from "../../../../test/support/folder-files.ts";
import { temporaryFolder } from "../../../../test/support/temporary-folder.ts";
import type { ServiceError } from "../../../kit/errors.ts";
import { limits } from "../../../kit/limits.ts";
import type { FolderFiles } from "./files.ts";

let folder: string;
let outside: string;
let files: FolderFiles;

beforeEach(async () => {
  folder = await temporaryFolder();
  outside = await temporaryFolder();
  files = folderFiles(folder);
  await writeFiles(folder, { "adapter_config.json": "{}", "inside/a": "a" });
  await writeFiles(outside, { secret: "secret", "folder/a": "secret" });
});

const forbidden = (path: string, problem: RegExp) => ({
  reason: "ADAPTER_FILE_FORBIDDEN",
  metadata: { path, problem: expect.stringMatching(problem) },
});

describe("is refused, listed or read by its path:", () => {
  async function expectForbidden(path: string, problem: RegExp, read = path): Promise<void> {
    await expect(files.list()).rejects.toMatchObject(forbidden(path, problem));
    await expect(files.read(read, 0, 1)).rejects.toMatchObject(forbidden(read, problem));
    await expect(buffer(files.stream(read))).rejects.toMatchObject(forbidden(read, problem));
  }

  test("a link to a file outside", async () => {
    await symlink(join(outside, "secret"), join(folder, "z"));
    await expectForbidden("z", /symbolic link/);
  });

  test("a link to a file inside", async () => {
    await symlink("adapter_config.json", join(folder, "z"));
    await expectForbidden("z", /symbolic link/);
  });

  test("a link to a folder", async () => {
    await symlink(join(outside, "folder"), join(folder, "z"));
    await expectForbidden("z", /symbolic link/, "z/a");
  });

  test("a link to nothing, and one to itself", async () => {
    await symlink("z", join(folder, "z"));
    await expectForbidden("z", /symbolic link/);
    await rm(join(folder, "z"));
    await symlink(join(outside, "nothing"), join(folder, "z"));
    await expectForbidden("z", /symbolic link/);
  });

  test("a second name of a file outside", async () => {
    await link(join(outside, "secret"), join(folder, "z"));
    await expectForbidden("z", /hard link/);
  });

  test("a pipe, without waiting for its other end", async () => {
    await promisify(execFile)("mkfifo", [join(folder, "z")]);
    await expectForbidden("z", /a pipe/);
  });

  test("a socket", async () => {
    const server = createServer().listen(join(folder, "z"));
    await expectForbidden("z", /a socket/);
    server.close();
  });
});

test("a device is refused", async () => {
  await expect(folderFiles("/dev").read("null", 0, 1)).rejects.toMatchObject(forbidden("null", /a device/));
});

test("a folder that becomes a link after it was listed shows nothing of where it leads", async () => {
  await files.list();
  await rename(join(folder, "inside"), join(outside, "inside"));
  await symlink(join(outside, "folder"), join(folder, "inside"));
  await expect(files.read("inside/a", 0, 1)).rejects.toMatchObject(forbidden("inside/a", /symbolic link/));
});

test("whoever swaps folder and link all the time never gets a byte from outside", async () => {
  await symlink(join(outside, "folder"), join(folder, "link"));
  const swap = `const { renameSync } = require("node:fs");
    for (;;) { renameSync("inside", "kept"); renameSync("link", "inside"); renameSync("inside", "link"); renameSync("kept", "inside"); }`;
  const swapping = spawn(process.execPath, ["-e", swap], { cwd: folder, stdio: "ignore" });
  const read: string[] = [];
  const refused: string[] = [];
  for (let round = 0; round < 3_000; round++) {
    await buffer(files.stream("inside/a")).then(
      (bytes) => read.push(bytes.toString()),
      ({ reason }: ServiceError) => refused.push(reason),
    );
  }
  const ended = once(swapping, "exit");
  swapping.kill();
  await ended;
  expect(new Set(read)).toEqual(new Set(["a"]));
  expect(new Set(refused)).toEqual(new Set(["ADAPTER_FILE_MISSING", "ADAPTER_FILE_FORBIDDEN"]));
});

test("a folder that is there but cannot be listed is said to be unavailable", async () => {
  // The folder takes the last descriptor that the process may have; listing it takes another.
  const program = `
    import { closeSync, openSync } from "node:fs";
    const { listFolder } = await import(${JSON.stringify(new URL("read-folder.ts", import.meta.url).href)});
    listFolder(${JSON.stringify(folder)});
    let last;
    for (;;) try { last = openSync("/dev/null"); } catch { break; }
    closeSync(last);
    let error;
    try { listFolder(${JSON.stringify(folder)}); } catch (thrown) { error = thrown; }
    process.stdout.write(error.reason ?? error.code);`;
  const script = `ulimit -n 64 && exec "$0" --input-type=module -e "$1"`;
  const { stdout } = await promisify(execFile)("sh", ["-c", script, process.execPath, program]);
  expect(stdout).toBe("STORE_UNAVAILABLE");
});

test("paths that an artifact cannot have are named", async () => {
  await writeFile(join(folder, "a\nb"), "");
  await expect(files.list()).rejects.toMatchObject({ reason: "ARTIFACT_INVALID", metadata: { path: "a\nb" } });
  await rm(join(folder, "a\nb"));
  await writeFile(Buffer.concat([Buffer.from(`${folder}/`), Buffer.of(0xff)]), "");
  await expect(files.list()).rejects.toMatchObject({ reason: "ARTIFACT_INVALID" });
});

test("a path may be as long as the limit says, and no longer", async () => {
  const long = `${"n".repeat(250)}/${"n".repeat(250)}/${"n".repeat(10)}`;
  await writeFiles(folder, { [long]: "x" });
  expect((await files.list()).at(-1)?.path).toHaveLength(limits.artifact_path_bytes);
  await writeFiles(folder, { [`${long}n`]: "x" });
  await expect(files.list()).rejects.toMatchObject({
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "artifact_path_bytes", actual: String(limits.artifact_path_bytes + 1) },
  });
});

test("empty folders count as files do", async () => {
  for (let number = 0; number < limits.artifact_files - 2; number++) mkdirSync(join(folder, `empty${number}`));
  expect(await files.list()).toHaveLength(2);
  mkdirSync(join(folder, "one"));
  await expect(files.list()).rejects.toMatchObject({ reason: "LIMIT_EXCEEDED", metadata: { limit: "artifact_files" } });
});

test("of a hundred thousand files no more are looked at than an artifact may have", async () => {
  const many = join(folder, "many");
  mkdirSync(many);
  for (let number = 0; number < 100_000; number++) closeSync(openSync(join(many, String(number)), "w"));
  const start = performance.now();
  await expect(files.list()).rejects.toMatchObject({
    reason: "LIMIT_EXCEEDED",
    metadata: { limit: "artifact_files", actual: String(limits.artifact_files + 1) },
  });
  expect(performance.now() - start).toBeLessThan(2_000);
  await promisify(execFile)("rm", ["-r", many]);
}, 60_000);
