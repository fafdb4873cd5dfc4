import { Client } from "../../../clients/typescript/src/index.ts";

/** Readers that take one frame and no more, each over a connection of its own: `stalled.ts ADDRESS TOKEN READERS SNAPSHOT`. Prints when all have one. */

const [address = "", token = "", readers = "", snapshot = ""] = process.argv.slice(2);
const streams = Array.from({ length: Number(readers) }, () => new Client({ address, token }).stream({ snapshot }));
await Promise.all(streams.map((stream) => stream.batches().next()));
process.stdout.write(`${JSON.stringify({ stalled: streams.length })}\n`);
