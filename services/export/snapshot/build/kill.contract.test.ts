import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bigExpected, bigSource } from "../../../../test/support/big-records.ts";
import { openTestContext } from "../../../../test/support/export-context.ts";
import { stream } from "../../../../test/support/samples.ts";
import { openStore } from "../../../store/open-store.ts";

const program = fileURLToPath(new URL("../../../../test/support/build-process.ts", import.meta.url));

test("a build that is killed with -9 again and again goes on to the same bytes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loraloop-kill-"));
  let [digest, kills] = ["", 0];
  for (let millis = 200; digest === ""; millis *= 1.8) {
    digest = await runUntilKilled(folder, millis);
    kills += digest === "" ? 1 : 0;
  }
  expect(digest).toBe(bigExpected.digest);
  expect(kills).toBeGreaterThan(0);

  const store = await openStore({ kind: "rocksdb", folder: join(folder, "store") });
  const opened = await openTestContext({ store, dataDirectory: folder });
  const streamed = await stream(opened.context, bigSource);
  expect(streamed.lines).toEqual(bigExpected.samples.map(({ line }) => line));
  expect(await readdir(join(folder, "blocks", "building"))).toEqual([]);
  await opened[Symbol.asyncDispose]();
  await store.close();
  await rm(folder, { recursive: true });
});

/** The digest; empty where it was killed, so many milliseconds after its build began. */
async function runUntilKilled(folder: string, millis: number): Promise<string> {
  const child = spawn(process.execPath, [program, folder], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  for await (const line of createInterface(child.stdout)) {
    const [state, digest = ""] = line.split(" ");
    if (state === "sealed") {
      await exited;
      return digest;
    }
    void setTimeout(millis).then(() => child.kill("SIGKILL"));
  }
  return "";
}
