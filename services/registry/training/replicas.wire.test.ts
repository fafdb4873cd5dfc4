import { expect, test } from "vitest";
import { startTestRegistry } from "../../../test/support/registry-server.ts";
import { startTestServer } from "../../../test/support/server.ts";
import { storeConfiguration } from "../../../test/support/stores.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { accessTo, quickly, trainings } from "../../../test/support/trainings.ts";

const RECORDS = 40;

test("several registries of one store that reconcile at once count each deletion once", async () => {
  await using exportServer = await startTestServer();
  const access = await accessTo(exportServer);
  const configuration = { ...storeConfiguration("postgres"), ...quickly, reconcile_seconds: 0.01, ...access };
  const dataDirectory = await temporaryFolder();
  await using one = await startTestRegistry({ configuration, dataDirectory });
  await using _two = await startTestRegistry({ configuration, dataDirectory });
  await using _three = await startTestRegistry({ configuration, dataDirectory });
  const place = await trainings(exportServer, one, one);
  const ids = Array.from({ length: RECORDS }, (_, number) => `r${number}`);
  const records = ids.map((id) => ({ id, fieldsJson: `{"text":"${id}"}` }));
  const snapshots: string[] = [];
  for (const collection of ["a", "b"]) {
    await place.corpus.upsertRecords({ collection, records });
    const source = { source: { $case: "spec", value: { collection, format: "text" } } } as const;
    const { run } = await place.runs.openRun({ run: `run-${collection}`, source });
    snapshots.push(run?.sources[0]?.snapshot ?? "");
  }
  await place.register("both", { snapshots });
  await place.register("first", { snapshots: snapshots.slice(0, 1) });
  const deletedOf = async (version: string) =>
    (await place.adapters.getVersion({ version })).version?.deletedData?.recordCount ?? 0n;
  for (const id of ids) {
    await place.corpus.deleteRecords({ collection: "a", ids: [id] });
    await place.corpus.deleteRecords({ collection: "b", ids: [id] });
  }
  await expect.poll(() => deletedOf("both@1"), { timeout: 20_000 }).toBe(BigInt(2 * RECORDS));
  await expect.poll(() => deletedOf("first@1"), { timeout: 20_000 }).toBe(BigInt(RECORDS));
});
