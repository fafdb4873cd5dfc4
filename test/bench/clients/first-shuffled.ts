import { Client } from "../../../clients/typescript/src/index.ts";

/**
 * Time from call to first parsed sample of shuffled plans that nobody asked for before, over a connection that is open:
 * `first-shuffled.ts ADDRESS TOKEN SNAPSHOT TURNS`. Prints the milliseconds of each turn.
 */

const [address = "", token = "", snapshot = "", turns = ""] = process.argv.slice(2);
await using client = new Client({ address, token });
const millis: number[] = [];
for (let seed = 1; seed <= Number(turns); seed += 1) {
  // What was cancelled before is over.
  await client.export.getSnapshot({ snapshot });
  millis.push(await firstSample(seed));
}
process.stdout.write(`${JSON.stringify({ millis })}\n`);

async function firstSample(seed: number): Promise<number> {
  const start = performance.now();
  for await (const sample of client.stream({ snapshot }, { plan: { shuffle: true, seed } })) {
    if (typeof sample["text"] === "string") return performance.now() - start;
  }
  throw new Error("The stream has no sample.");
}
