import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, Status } from "nice-grpc";
import { RichClientError } from "nice-grpc-error-details";
import { expect, test } from "vitest";
import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { AdapterServiceDefinition } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { newSeed, Random } from "../data/random.ts";
import { createClientWith, startTestServer, type TestServer } from "../support/server.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tinyAdapter, tinyBaseModel, uploadFiles } from "../support/tiny-adapter.ts";
import { accessTo } from "../support/trainings.ts";
import { killCount, timeLimit } from "./kills.ts";
import { RegistryProcess } from "./registry-process.ts";

const WORKERS = 4;
const model = "tiny/model";
const kills = killCount(6);

test("kill -9 of the registry between hold and commit: afterwards the versions hold their snapshots, and nothing else does", {
  timeout: timeLimit(kills),
}, async () => {
  const seed = newSeed();
  const random = new Random(seed);
  await using exportServer = await startTestServer({ configuration: { store: "rocksdb" } });
  const exports = exportServer.client(ExportServiceDefinition);
  const snapshots = [await built(exportServer, "one"), await built(exportServer, "two")];
  const folder = await temporaryFolder();
  const quickly = { reconcile_seconds: "0.2", orphan_hold_seconds: "2" };
  const access = await accessTo(exportServer);
  await using registry = await RegistryProcess.start({ data_directory: folder, ...quickly, ...access });
  const token = (await readFile(join(folder, "token"), "utf8")).trim();
  const adapters = (): Client<AdapterServiceDefinition> =>
    createClientWith(AdapterServiceDefinition, registry.channel, token);
  await createClientWith(BaseModelServiceDefinition, registry.channel, token).registerBaseModel({
    baseModel: tinyBaseModel(model),
  });
  const { digest } = await uploadFiles(
    createClientWith(ArtifactServiceDefinition, registry.channel, token),
    tinyAdapter(model),
  );

  const names: string[] = [];
  const over = new AbortController();
  const register = async (worker: number): Promise<void> => {
    for (let number = 0; !over.signal.aborted; number += 1) {
      const request = `${worker}-${number}`;
      const asked = {
        adapter: `adapter-${worker}`,
        files: { $case: "artifact", value: digest } as const,
        snapshots,
        request,
      };
      const { version } = await untilDone(() => adapters().registerVersion(asked));
      names.push(version?.name ?? "");
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, worker) => register(worker));
  for (let killed = 0; killed < kills; killed += 1) {
    while (!(await holders(exports)).some((one) => one.startsWith("registry/pending/"))) await delay(1);
    await delay(random.next() * 4);
    await registry.restart();
  }
  over.abort();
  await Promise.all(workers);

  expect(new Set(names).size, `seed ${seed}`).toBe(names.length);
  expect(await versionsOf(adapters()), `seed ${seed}`).toEqual(names.toSorted());
  const held = (some: readonly string[]) =>
    some.flatMap((name) => snapshots.map((key) => `registry/${name} ${key}`)).toSorted();
  const all = () => holders(exports);
  await expect.poll(all, { timeout: 30_000, message: `seed ${seed}` }).toEqual(held(names));

  const [deleted, kept] = [names.slice(0, names.length / 2), names.slice(names.length / 2)];
  const deleting = Promise.all(deleted.map((version) => untilDone(() => adapters().deleteVersion({ version }))));
  await delay(random.next() * 20);
  await registry.restart();
  await deleting;
  await expect.poll(all, { timeout: 30_000, message: `seed ${seed}` }).toEqual(held(kept));
});

/** The whole key of a sealed snapshot of one record. */
async function built(server: TestServer, collection: string): Promise<string> {
  const records = [{ id: "a", fieldsJson: '{"text":"a"}' }];
  await server.client(CorpusServiceDefinition).upsertRecords({ collection, records });
  const source = { source: { $case: "spec", value: { collection, format: "text" } } } as const;
  const exports = server.client(ExportServiceDefinition);
  const key = (await exports.buildSnapshot({ source })).snapshot?.key ?? "";
  await Array.fromAsync(exports.watchSnapshot({ snapshot: key }));
  return key;
}

/** Holder and snapshot of each hold, without the registry's id. */
async function holders(exports: Client<ExportServiceDefinition>): Promise<string[]> {
  const found: string[] = [];
  let pageToken = "";
  do {
    const page = await exports.listHolds({ holderPrefix: "registry/", pageSize: 1000, pageToken });
    found.push(...page.holds.map(({ holder, snapshot }) => `${holder.replace(/\/[0-9a-f]{8}\//, "/")} ${snapshot}`));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found.toSorted();
}

async function versionsOf(adapters: Client<AdapterServiceDefinition>): Promise<string[]> {
  const found: string[] = [];
  let pageToken = "";
  do {
    const page = await adapters.listVersions({ pageSize: 1000, pageToken });
    found.push(...page.versions.map(({ name }) => name));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return found.toSorted();
}

/** Calls again while the registry is away. */
async function untilDone<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (error instanceof RichClientError && error.code !== Status.UNAVAILABLE && error.extra.length > 0) throw error;
      await delay(20);
    }
  }
}
