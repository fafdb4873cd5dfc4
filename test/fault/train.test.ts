import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Client } from "../../clients/typescript/src/index.ts";
import { makeDocuments } from "../data/documents.ts";
import { newSeed, Random } from "../data/random.ts";
import { python, root, startProgram } from "../support/command.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { ChildLines } from "./child-lines.ts";
import { killCount, restart, timeLimit } from "./kills.ts";

const BATCH = 12;
const worldSizes = [1, 2, 4, 3];
const workerCounts = [0, 1, 2, 8];
/** Of all ranks together: each is a process with torch in it. */
const MAX_WORKERS = 8;
const kills = killCount(6);
/** A worker that dies with a lock of multiprocessing in its hands, about one of some hundreds, lets torch's DataLoader wait for it for ever. The trainer is killed then, as after every kill. */
const STUCK_MILLIS = 60_000;

/** What train_ranks.py says. */
interface Answer {
  readonly hashes: readonly string[];
  readonly state: unknown;
  readonly end: boolean;
  readonly workers: readonly number[];
}

test("kill -9 of trainer, worker and server, each time another world: the global batches are those of an undisturbed run", {
  timeout: timeLimit(kills) * 2,
}, async () => {
  const seed = newSeed();
  const random = new Random(seed);
  await using server = await LoraloopProcess.start();
  const source = await prepare(server);
  const train = (worldSize: number, workers: number, state: unknown): ChildLines => {
    const given = [source, String(worldSize), String(workers), ...(state === undefined ? [] : [JSON.stringify(state)])];
    const program = join(root, "test/fault/train_ranks.py");
    return new ChildLines(() => startProgram(python, [program, ...given], { env: server.environment }));
  };
  await using undisturbed = train(1, 0, undefined);
  const expected = await take(undisturbed, 1_000_000);

  const hashes: string[] = [];
  let [state, killed]: [unknown, number] = [undefined, 0];
  const perLife = Math.max(1, Math.floor(expected.hashes.length / kills / 2));
  for (let life = 0; hashes.length < expected.hashes.length; life += 1) {
    const worldSize = worldSizes[life % worldSizes.length] as number;
    const workers = random.pick(workerCounts.filter((count) => worldSize * count <= MAX_WORKERS));
    await using trainer = train(worldSize, workers, state);
    const saved = await take(trainer, killed < kills ? random.between(1, perLife) : 1_000_000);
    hashes.push(...saved.hashes);
    state = saved.state;
    if (killed < kills) {
      await killDuringTraining(random, trainer, saved, server);
      killed += 1;
    }
  }

  expect(hashes, `seed ${seed}`).toEqual(expected.hashes);
  expect(state, `seed ${seed}`).toEqual(expected.state);
  expect(killed).toBe(kills);
  expect(server.errors).toBe("");
});

/** Two snapshots, one of them weighted; a file that names them. */
async function prepare(server: LoraloopProcess): Promise<string> {
  await using client = new Client({ address: server.address, token: await server.token() });
  // At least three global batches for each kill.
  const documents = makeDocuments(2000 + kills * BATCH * 4);
  const halves = [documents.slice(0, documents.length / 3), documents.slice(documents.length / 3)];
  const snapshots: [string, number][] = [];
  for (const [place, half] of halves.entries()) {
    const collection = `part${place}`;
    await client.ingest(
      collection,
      half.map((fields) => ({ id: fields.id, fieldsJson: JSON.stringify(fields) })),
    );
    const spec = { collection, format: "text", weighting: { autoWeightByLength: true } };
    const { key } = await client.buildSnapshot({ source: { $case: "spec", value: spec } });
    snapshots.push([key, place + 1]);
  }
  const file = join(server.folder, "source.json");
  writeFileSync(file, JSON.stringify({ snapshots, global_batch_size: BATCH }));
  return file;
}

async function take(trainer: ChildLines, batches: number): Promise<Answer> {
  trainer.tell(String(batches));
  return JSON.parse(await trainer.answer()) as Answer;
}

/** What was asked for, and all the rest. */
async function takeAll(trainer: ChildLines): Promise<void> {
  await trainer.answer();
  await take(trainer, 1_000_000);
}

/** While the next batches are on their way, which nobody saves. After the server alone the trainer goes on; after a worker it ends, unless all batches were there. */
async function killDuringTraining(
  random: Random,
  trainer: ChildLines,
  saved: Answer,
  server: LoraloopProcess,
): Promise<void> {
  trainer.tell("4");
  await delay(random.next() * 20);
  const victim = random.pick(["trainer", "worker", "server", "both"]);
  try {
    if (victim === "server") {
      await restart(server);
      await trainer.answer();
    } else if (victim === "worker" && saved.workers.length > 0) {
      process.kill(random.pick(saved.workers), "SIGKILL");
      const end = takeAll(trainer).then(
        () => "",
        ({ message }: Error) => message,
      );
      expect(await Promise.race([end, delay(STUCK_MILLIS, "DataLoader worker")])).toMatch(/^$|DataLoader worker/);
    }
  } finally {
    await killWithWorkers(trainer, saved);
  }
  if (victim === "both") await restart(server);
}

/** A worker of a dead trainer waits for ever where its results fill the pipe: torch lets it end only once they are written. */
async function killWithWorkers(trainer: ChildLines, { workers }: Answer): Promise<void> {
  await trainer.kill();
  for (const worker of workers) {
    try {
      process.kill(worker, "SIGKILL");
    } catch (error) {
      expect(error).toMatchObject({ code: "ESRCH" });
    }
  }
}
