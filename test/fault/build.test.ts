import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { parseDatasetFile } from "../../clients/cli/dataset-file.ts";
import { Client, Snapshot_State } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { newSeed, Random } from "../data/random.ts";
import { expectedSnapshot } from "../support/expected-snapshot.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { killCount, restart, timeLimit } from "./kills.ts";

const spec = parseDatasetFile('{"collection":"documents","format":"text","quality":{"skip_duplicates":true}}');

const kills = killCount(5);

test("kill -9 of the server during builds: the digest of an undisturbed one", {
  timeout: timeLimit(kills),
}, async () => {
  const seed = newSeed();
  const random = new Random(seed);
  const records = makeDocuments(25_000).map((fields, number) => ({
    id: fields.id,
    // Every tenth is a duplicate of a record long before it.
    text: number % 10 === 9 ? "The same text." : String(fields["text"]),
  }));
  await using server = await LoraloopProcess.start();
  await using client = new Client({ address: server.address, token: await server.token() });
  await client.ingest(
    "documents",
    records.map(({ id, text }) => ({ id, fieldsJson: JSON.stringify({ text }) })),
  );
  const samples = records.map(({ id, text }) => ({ id, line: JSON.stringify({ text }) }));
  const { digest } = expectedSnapshot(samples, true);

  const began = performance.now();
  expect(await digestOf(client, 0)).toBe(digest);
  const buildMillis = performance.now() - began;
  let killed = 0;
  for (let build = 1; killed < kills; build += 1) {
    const key = await begin(client, build);
    while (killed < kills) {
      await delay(random.next() * buildMillis);
      await restart(server);
      const { snapshot } = await client.export.getSnapshot({ snapshot: key });
      if (snapshot?.state !== Snapshot_State.STATE_BUILDING) break;
      killed += 1;
      if (random.next() < 0.2) break;
    }
    expect(await digestOf(client, build), `seed ${seed}`).toBe(digest);
  }
  expect(server.errors).toBe("");
});

/** Another "now" makes another snapshot, with the same samples. */
function source(build: number) {
  return {
    source: { $case: "spec", value: spec },
    asOf: { seconds: BigInt(1_700_000_000 + build), nanos: 0 },
  } as const;
}

async function begin(client: Client, build: number): Promise<string> {
  const { snapshot } = await client.export.buildSnapshot({ source: source(build) });
  return snapshot?.key ?? "";
}

async function digestOf(client: Client, build: number): Promise<string> {
  const { digest } = await client.buildSnapshot(source(build));
  return Buffer.from(digest).toString("hex");
}
