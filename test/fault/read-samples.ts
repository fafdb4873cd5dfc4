import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createInterface } from "node:readline";
import { parseDatasetFile } from "../../clients/cli/dataset-file.ts";
import { Client, type Sample, type StreamState } from "../../clients/typescript/src/index.ts";
import { toTimestamp } from "../../services/kit/timestamp.ts";

/**
 * A reader that may be killed at any moment, as a trainer is: `read-samples.ts LOG STATE SOURCE`. Each line of standard input lets it read that many
 * samples; then it logs them, saves its state and says `at INDEX`, or `end DIGEST`. What was logged after the saved state is cut away when it starts.
 */

interface Source {
  readonly spec: unknown;
  readonly revision: number;
  readonly as_of_micros: number;
}

interface Saved {
  readonly bytes: number;
  readonly state: StreamState;
}

const [logFile = "", stateFile = "", sourceFile = ""] = process.argv.slice(2);
const source = JSON.parse(readFileSync(sourceFile, "utf8")) as Source;
const saved = existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, "utf8")) as Saved) : undefined;
const log = openSync(logFile, saved ? "r+" : "w");
let bytes = saved?.bytes ?? 0;
ftruncateSync(log, bytes);

await using client = new Client();
const stream = client.stream(
  {
    source: { $case: "spec", value: parseDatasetFile(JSON.stringify(source.spec)) },
    revision: BigInt(source.revision),
    asOf: toTimestamp(BigInt(source.as_of_micros)),
  },
  { batchSize: 16, ...(saved && { resume: saved.state }) },
);
const samples = stream[Symbol.asyncIterator]();
for await (const line of createInterface(process.stdin)) {
  const ended = await take(Number(line));
  process.stdout.write(
    ended ? `end ${Buffer.from(stream.snapshotDigest ?? []).toString("hex")}\n` : `at ${stream.nextIndex}\n`,
  );
  if (ended) break;
}
closeSync(log);
process.stdin.destroy();

/** True at the end of the stream. */
async function take(count: number): Promise<boolean> {
  let lines = "";
  let ended = false;
  for (let taken = 0; taken < count && !ended; taken += 1) {
    const { value, done } = await samples.next();
    if (done === true) ended = true;
    else lines += logLine(value);
  }
  bytes += writeSync(log, lines, bytes);
  writeFileSync(`${stateFile}.new`, JSON.stringify({ bytes, state: stream.stateDict() } satisfies Saved));
  renameSync(`${stateFile}.new`, stateFile);
  return ended;
}

function logLine(sample: Sample): string {
  const { id } = sample["metadata"] as { id: string };
  const text = createHash("sha256").update(String(sample["text"])).digest("hex");
  return `${id} ${text} ${Math.round(Number(sample["weight"]) * 1e6)}\n`;
}
