import { Client } from "../../../clients/typescript/src/index.ts";
import { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";

/**
 * Time from call to first parsed sample of our TypeScript client, over a connection that is open: `first-sample.ts ADDRESS TOKEN SPEC…`,
 * each SPEC in base64, asked for one after the other. Prints the milliseconds of each call.
 */

const [address = "", token = "", ...specs] = process.argv.slice(2);
await using client = new Client({ address, token });
await client.export.listSnapshots({ pageSize: 1 });
const millis: number[] = [];
for (const spec of specs) {
  const value = DatasetSpec.decode(Buffer.from(spec, "base64"));
  millis.push(await firstSample({ source: { $case: "spec", value } }));
  // A build that this began ends before the next call.
  await client.buildSnapshot({ source: { $case: "spec", value } });
}
process.stdout.write(`${JSON.stringify({ millis })}\n`);

async function firstSample(source: Parameters<Client["stream"]>[0]): Promise<number> {
  const start = performance.now();
  for await (const sample of client.stream(source)) {
    if (typeof sample["text"] === "string") return performance.now() - start;
  }
  throw new Error("The stream has no sample.");
}
