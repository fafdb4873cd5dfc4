import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A new, empty folder by its real path, for the test that runs. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), "loraloop-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
