import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const main = fileURLToPath(new URL("./main.ts", import.meta.url));

describe("the process of the export service", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "loraloop-main-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  function start(keys: Record<string, string> = {}): ChildProcess {
    const all = { DATA_DIRECTORY: folder, LISTEN_PORT: "0", METRICS_PORT: "0", ...keys };
    const variables = Object.entries(all).map(([key, value]) => [`LORALOOP_EXPORT_${key}`, value]);
    const env = { ...process.env, NODE_OPTIONS: "", ...Object.fromEntries(variables) };
    return spawn(process.execPath, [main], { env, stdio: ["ignore", "pipe", "pipe"] });
  }

  async function failedStart(keys: Record<string, string>) {
    const child = start(keys);
    const errors = text(child.stderr as NodeJS.ReadableStream);
    const [code] = await once(child, "close");
    return { code, errors: await errors };
  }

  test("serves, keeps a second process out of its store, and ends with 0 at SIGTERM", async () => {
    const child = start();
    const [line] = await once(child.stdout as NodeJS.ReadableStream, "data");
    const { msg, address } = JSON.parse(String(line));
    expect(msg).toBe("serving");

    const second = await failedStart({});
    expect(second.code).toBe(1);
    expect(second.errors).toMatch(/^loraloop export: .*another process.*\n$/i);

    const samePort = await failedStart({ DATA_DIRECTORY: join(folder, "b"), LISTEN_PORT: address.split(":")[1] });
    expect(samePort).toEqual({
      code: 1,
      errors: `loraloop export: Cannot listen on ${address} ("listen_port"): the port is taken.\n`,
    });

    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
  });

  test("says in one line what is wrong with its configuration", async () => {
    expect(await failedStart({ LISTEN_PORT: "70000", DRAIN_SECOND: "1" })).toEqual({
      code: 1,
      errors: expect.stringMatching(
        /^loraloop export: Bad configuration: LORALOOP_EXPORT_LISTEN_PORT: .*; LORALOOP_EXPORT_DRAIN_SECOND: no such key\.\n$/,
      ),
    });
  });
});
