import { Client } from "../../../clients/typescript/src/index.ts";
import type { StreamState } from "../../../clients/typescript/src/stream-state.ts";

/**
 * Time from call to first parsed sample of streams that go on in a shuffled plan, over a connection that is open, late and early in the plan in turns:
 * `resume.ts ADDRESS TOKEN SNAPSHOT TURNS`. Prints the milliseconds of each turn at 90 % and at 10 % of the samples.
 */

/** Of the plan's samples, from one turn to the next: each goes on in other pages. */
const step = 0.001;

const [address = "", token = "", snapshot = "", turns = ""] = process.argv.slice(2);
const plan = { shuffle: true, seed: 1 };
await using client = new Client({ address, token });
const { state, sampleCount } = await begin();
const [late, early]: [number[], number[]] = [[], []];
for (let turn = 0; turn < Number(turns); turn += 1) {
  late.push(await resume(0.9 + turn * step));
  early.push(await resume(0.1 + turn * step));
}
process.stdout.write(`${JSON.stringify({ late, early })}\n`);

async function begin(): Promise<{ readonly state: StreamState; readonly sampleCount: number }> {
  const stream = client.stream({ snapshot }, { plan });
  for await (const _batch of stream.batches()) {
    return { state: stream.stateDict(), sampleCount: Number(stream.header?.sampleCount) };
  }
  throw new Error("The stream has no sample.");
}

async function resume(part: number): Promise<number> {
  const nextIndex = Math.floor(sampleCount * part);
  // What was cancelled before is over.
  await client.export.getSnapshot({ snapshot });
  const start = performance.now();
  const stream = client.stream({ snapshot }, { plan, resume: { ...state, next_index: nextIndex } });
  for await (const sample of stream) {
    const took = performance.now() - start;
    if (typeof sample["text"] === "string" && stream.nextIndex === nextIndex + 1) return took;
  }
  throw new Error(`The stream did not go on at ${nextIndex}.`);
}
