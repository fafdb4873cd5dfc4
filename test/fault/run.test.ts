import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { Client, type OpenRun, RpcError } from "../../clients/typescript/src/index.ts";
import { newSeed, Random } from "../data/random.ts";
import { LoraloopProcess } from "../support/loraloop-process.ts";
import { killCount, restart, timeLimit } from "./kills.ts";

const SAMPLES = 3000;
const EPOCHS = 3;
const BATCH = 100;

const kills = killCount(6);

test("kill -9 of the server during a run: no loss is lost, and the plans are those of an undisturbed run", {
  timeout: timeLimit(kills),
}, async () => {
  const seed = newSeed();
  await using server = await LoraloopProcess.start();
  await using client = new Client({ address: server.address, token: await server.token() });
  await client.ingest(
    "docs",
    Array.from({ length: SAMPLES }, (_, number) => ({ id: `r${number}`, fieldsJson: `{"text":"text ${number}"}` })),
  );
  const { key } = await client.buildSnapshot({
    source: { $case: "spec", value: { collection: "docs", format: "text" } },
  });
  const options = { shuffle: true, seed: 3, globalBatchSize: 10, adaptiveSampling: {}, leaseSeconds: 3600 };
  await using undisturbed = await client.runs.open({ snapshot: key }, { ...options, run: "undisturbed" });
  const expected = await train(undisturbed);

  await using disturbed = await client.runs.open({ snapshot: key }, { ...options, run: "disturbed" });
  const training = train(disturbed);
  const killed = killWhile(training, server, new Random(seed));
  expect(await training, `seed ${seed}`).toEqual(expected);
  expect(await killed).toBeGreaterThan(0);
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    const losses = await Array.fromAsync(client.runs.losses("disturbed", epoch));
    expect(losses, `seed ${seed}`).toEqual(await Array.fromAsync(client.runs.losses("undisturbed", epoch)));
    expect(losses).toHaveLength(SAMPLES);
  }
  const { epochs, consumed } = await client.runs.get("disturbed");
  expect(epochs.map(({ lossCount }) => Number(lossCount))).toEqual([SAMPLES, SAMPLES, SAMPLES, 0]);
  expect(consumed).toMatchObject({ epoch: EPOCHS - 1, nextIndex: BigInt(SAMPLES) });
  expect(server.errors).toBe("");
});

/** Reports losses that depend on nothing but epoch and index; gives the hash of every epoch's plan. */
async function train(run: OpenRun): Promise<string[]> {
  const plans: string[] = [];
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    for (let first = 0; first < SAMPLES; first += BATCH) {
      const indices = Array.from({ length: BATCH }, (_, place) => first + place);
      const losses = indices.map((index) => 0.5 + ((index * 7 + epoch) % 13));
      const consumed = { epoch, nextIndex: first + BATCH, step: first / BATCH };
      await untilDone(() => run.reportLosses(epoch, indices, losses));
      await untilDone(() => run.reportProgress({ consumed }));
    }
    plans.push((await untilDone(() => run.closeEpoch(epoch))).hash);
  }
  return plans;
}

/** Calls again for as long as the server is away: a test may kill it more often than a client expects. */
async function untilDone<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof RpcError && error.retryable)) throw error;
      await delay(20);
    }
  }
}

/** How often it was killed. */
async function killWhile(work: Promise<unknown>, server: LoraloopProcess, random: Random): Promise<number> {
  let [ended, killed] = [false, 0];
  const end = (): void => {
    ended = true;
  };
  void work.then(end, end);
  for (; killed < kills && !ended; killed += 1) {
    await delay(random.next() * 400);
    await restart(server);
  }
  return killed;
}
