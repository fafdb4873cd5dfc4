import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-main-"));
});
afterAll(() => rm(folder, { recursive: true }));

function start(keys: Record<string, string>): ChildProcess {
  const all = { DATA_DIRECTORY: folder, LISTEN_PORT: "0", METRICS_PORT: "0", ...keys };
  const variables = Object.entries(all).map(([key, value]) => [`LORALOOP_REGISTRY_${key}`, value]);
  const env = { ...process.env, NODE_OPTIONS: "", ...Object.fromEntries(variables) };
  return spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "pipe"] });
}

test("the process of the registry serves, and ends with 0 at SIGTERM", async () => {
  const child = start({ ADDRESS: "for:clients" });
  const [line] = await once(child.stdout as NodeJS.ReadableStream, "data");
  expect(JSON.parse(String(line))).toMatchObject({ msg: "serving" });
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
});

test("says in one line what is wrong with its way to the export service", async () => {
  const child = start({ EXPORT_ADDRESS: "127.0.0.1:50051" });
  const errors = text(child.stderr as NodeJS.ReadableStream);
  const [code] = await once(child, "close");
  expect({ code, errors: await errors }).toEqual({
    code: 1,
    errors: 'loraloop registry: "export_address" needs "export_token_file".\n',
  });
});
