import { join } from "node:path";
import { expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { newSeed, Random } from "../data/random.ts";
import { python, root, startProgram } from "../support/command.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { ChildLines } from "./child-lines.ts";
import { killCount, killPlaces, killSomething, timeLimit } from "./kills.ts";

const chunkRecords = 500;
/** Chunks that a writer has read and not been told to be on disk: its window, and the one that it reads. */
const chunksAhead = 5;
const writers = [
  [process.execPath, join(root, "test/fault/write-records.ts")],
  [python, join(root, "test/fault/write_records.py")],
] as const;

const kills = killCount(6);

test("kill -9 of writer and server during an ingest: what was acknowledged is there, once", {
  timeout: timeLimit(kills),
}, async () => {
  const seed = newSeed();
  const random = new Random(seed);
  const chunks = Math.max(20, Math.ceil(kills * 1.2));
  await using server = await LoraloopProcess.start();
  const { environment: env } = server;
  await using client = new Client({ address: server.address, token: await server.token() });
  await using writer = new ChildLines(() => {
    const [program, file] = random.pick(writers);
    return startProgram(program, [file, "notes", "ingest-1", String(chunks * chunkRecords)], { env });
  });

  const places = killPlaces(random, kills, chunks);
  let acknowledged = 0;
  const answer = async (): Promise<boolean> => {
    const [word, count] = (await writer.answer()).split(" ");
    acknowledged = Math.max(acknowledged, Number(count));
    return word === "end";
  };
  for (let told = 1; told <= chunks; told += 1) {
    writer.tell("");
    if (places[0] === told - 1) {
      places.shift();
      const anew = await killSomething(random, writer, server);
      for (let again = 0; anew && again < told; again += 1) writer.tell("");
      const stored = await numbersOf(client);
      expect(stored.length, `seed ${seed}`).toBeGreaterThanOrEqual(acknowledged);
      expect(new Set(stored).size, `seed ${seed}`).toBe(stored.length);
      // A new writer does not say what it need not send again.
      acknowledged = stored.length;
    }
    while (acknowledged < (told - chunksAhead) * chunkRecords) await answer();
  }
  while (!(await answer()));

  const stored = await numbersOf(client);
  const all = Array.from({ length: chunks * chunkRecords }, (_, number) => number);
  expect(
    stored.toSorted((a, b) => a - b),
    `seed ${seed}`,
  ).toEqual(all);
  expect(places).toEqual([]);
  expect(server.errors).toBe("");
});

async function numbersOf(client: Client): Promise<number[]> {
  const numbers: number[] = [];
  let pageToken = "";
  do {
    const page = await client.corpus.listRecords({ collection: "notes", pageSize: 1000, pageToken }).catch(emptyPage);
    numbers.push(...page.records.map(({ fieldsJson }) => (JSON.parse(fieldsJson) as { number: number }).number));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return numbers;
}

/** Before the first chunk there is no collection. */
function emptyPage(error: unknown): { records: []; nextPageToken: "" } {
  expect(error).toMatchObject({ reason: "COLLECTION_NOT_FOUND" });
  return { records: [], nextPageToken: "" };
}
