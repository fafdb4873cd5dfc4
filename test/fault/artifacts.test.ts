import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Client, CompatServiceDefinition } from "nice-grpc";
import { expect, test } from "vitest";
import { AdapterServiceDefinition } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { artifactDigest } from "../../services/registry/artifacts/artifact-digest.ts";
import { newSeed, Random } from "../data/random.ts";
import {
  commitMessage,
  dataMessage,
  digestOf,
  fileMessage,
  filesOf,
  startMessage,
  type UploadMessage,
  upload,
} from "../support/artifacts.ts";
import { createClientWith } from "../support/server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tinyAdapter, tinyBaseModel } from "../support/tiny-adapter.ts";
import { killCount, timeLimit } from "./kills.ts";
import { RegistryProcess } from "./registry-process.ts";

const mebibyte = 1024 * 1024;
const model = "tiny/model";
const adapter = Object.fromEntries(tinyAdapter(model).map(({ path, bytes }) => [path, bytes]));

interface Registry {
  readonly process: RegistryProcess;
  readonly folder: string;
  client<Definition extends CompatServiceDefinition>(definition: Definition): Client<Definition>;
}

async function startRegistry(stack: AsyncDisposableStack): Promise<Registry> {
  const folder = await temporaryFolder();
  const process = stack.use(await RegistryProcess.start({ data_directory: folder }));
  const token = (await readFile(join(folder, "token"), "utf8")).trim();
  return { process, folder, client: (definition) => createClientWith(definition, process.channel, token) };
}

const kills = killCount(8);

test("kill -9 while uploads come in: what was acknowledged is there, of the rest nothing is left", {
  timeout: timeLimit(kills),
}, async () => {
  const seed = newSeed();
  const random = new Random(seed);
  await using stack = new AsyncDisposableStack();
  const { process, folder, client } = await startRegistry(stack);
  const acknowledged: string[] = [];
  const over = new AbortController();
  const work = async (worker: number): Promise<void> => {
    for (let number = 0; !over.signal.aborted; number++) {
      const contents = { ...adapter, "README.md": `${worker} ${number} ${seed} `.repeat(100_000) };
      const kept = await upload(client(ArtifactServiceDefinition), contents).catch(() => delay(5));
      if (kept !== undefined) acknowledged.push(kept.digest);
    }
  };
  const workers = [1, 2, 3].map(work);
  for (let killed = 0; killed < kills; killed++) {
    await delay(50 + random.next() * 200);
    await process.restart();
  }
  await delay(200);
  over.abort();
  await Promise.all(workers);
  expect(acknowledged.length, `seed ${seed}`).toBeGreaterThan(0);
  await process.restart();
  await expect.poll(() => readdir(join(folder, "artifacts/staging")), { timeout: 10_000 }).toEqual([]);
  for (const digest of acknowledged) await client(ArtifactServiceDefinition).getArtifact({ digest });
  for (const digest of await readdir(join(folder, "artifacts/t1"))) expect(await digestOn(folder, digest)).toBe(digest);
});

/** Of the files that really lie there. */
async function digestOn(folder: string, digest: string): Promise<string> {
  const path = join(folder, "artifacts/t1", digest);
  const names = await readdir(path);
  return digestOf(
    Object.fromEntries(await Promise.all(names.map(async (name) => [name, await readFile(join(path, name))]))),
  );
}

/** Most of it is the thread that checks the files, and what the collector has not found yet. */
const growthLimit = 128 * mebibyte;

test("an artifact of 200 MiB goes up, is checked and comes down, past 16 readers that stand still, while the registry grows by less than 128 MiB", {
  timeout: 300_000,
}, async () => {
  await using stack = new AsyncDisposableStack();
  const { process, client } = await startRegistry(stack);
  await client(BaseModelServiceDefinition).registerBaseModel({ baseModel: tinyBaseModel(model) });
  const before = await process.memory();
  const watched = watchMemory(process);
  const artifacts = client(ArtifactServiceDefinition);
  const { artifact } = await artifacts.uploadArtifact(largeUpload(200));
  const files = { $case: "artifact", value: artifact?.digest ?? "" } as const;
  await client(AdapterServiceDefinition).registerVersion({ adapter: "large", files });
  const download = () => artifacts.downloadArtifact({ version: "large@1" });
  const standing = Array.from({ length: 16 }, () => download()[Symbol.asyncIterator]());
  for (const reader of standing) expect((await reader.next()).done).toBe(false);
  let received = 0;
  for await (const { message } of download()) if (message?.$case === "data") received += message.value.length;
  expect(received).toBe(Number(artifact?.byteCount));
  expect((await watched.stop()) - before).toBeLessThan(growthLimit);
  for (const reader of standing) await reader.return?.();
});

/** An adapter with a file of so many MiB, which is never in memory as a whole. */
async function* largeUpload(mebibytes: number): AsyncGenerator<UploadMessage> {
  const pieces = function* (): Generator<Buffer> {
    for (let number = 0; number < mebibytes; number++) yield Buffer.alloc(mebibyte, number);
  };
  const hash = createHash("sha256");
  for (const piece of pieces()) hash.update(piece);
  const large = { path: "z", digest: hash.digest("hex") };
  yield startMessage;
  for (const [path, bytes] of Object.entries(adapter)) {
    yield fileMessage(path, bytes.length);
    yield dataMessage(bytes);
  }
  yield fileMessage("z", mebibytes * mebibyte);
  for (const piece of pieces()) yield dataMessage(piece);
  yield commitMessage(artifactDigest([...filesOf(adapter), large]));
}

/** Asks again and again; `stop` gives the most that it was. */
function watchMemory(process: RegistryProcess): { stop(): Promise<number> } {
  const stopped = new AbortController();
  const watching = (async () => {
    let most = 0;
    while (!stopped.signal.aborted) {
      most = Math.max(most, await process.memory());
      await delay(50);
    }
    return most;
  })();
  return {
    stop() {
      stopped.abort();
      return watching;
    },
  };
}
