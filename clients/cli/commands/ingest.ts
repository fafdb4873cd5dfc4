import { Command } from "commander";
import { type Client, type IngestResult, RpcError } from "../../typescript/src/index.ts";
import { count, note, print, printJson } from "../output.ts";
import { Progress } from "../progress.ts";
import { type LineMapping, type LineProblem, RecordFile } from "../record-file.ts";
import { programOptions, withClient } from "../session.ts";

interface Options {
  readonly idField?: string;
  readonly qualityField?: string;
  readonly subjectField?: string;
  readonly groupField?: string;
}

interface Tally {
  records: number;
  kept: number;
  resumed: number;
  readonly problems: LineProblem[];
  problemCount: number;
}

/** How many bad lines are kept for the report; all are counted. */
const reportedProblems = 1000;
const shownProblems = 10;

/** JSONL files into a collection. */
export function ingest(): Command {
  return new Command("ingest")
    .description(
      "read JSONL files (plain, .gz, .zst) into a collection; run it again after an interrupt and it goes on",
    )
    .argument("<collection>")
    .argument("<file...>")
    .option("--id-field <key>", 'key of the record id; "id" where there is one, else the server gives ids')
    .option("--quality-field <key>", "key of a quality score from 0 to 1")
    .option("--subject-field <key>", "key that says whose data it is")
    .option("--group-field <key>", "key whose records stay on one side of a split")
    .action(run);
}

async function run(collection: string, paths: string[], options: Options, command: Command): Promise<void> {
  const { idField, ...others } = options;
  const mapping: LineMapping = { idField: idField ?? "id", idRequired: idField !== undefined, ...others };
  const files = await Promise.all(paths.map((path) => RecordFile.open(path, mapping)));
  const tally: Tally = { records: 0, kept: 0, resumed: 0, problems: [], problemCount: 0 };
  const began = performance.now();
  await withClient(command, async (client, signal) => {
    using progress = new Progress(collection, sum(files, "size"), "records");
    for (const file of files) {
      const before = tally.records;
      const onRecords = (records: number): void => progress.update(sum(files, "bytesRead"), before + records);
      const { keptCount } = await ingestFile(client, collection, file, mapping, tally, onRecords, signal);
      tally.kept += keptCount;
    }
  });
  report(collection, tally, (performance.now() - began) / 1000, programOptions(command).json === true);
  if (tally.problemCount > 0) process.exitCode = 1;
}

/** One file, one ingest. A file that was ingested whole before is written again under another id: equal records change nothing. */
async function ingestFile(
  client: Client,
  collection: string,
  file: RecordFile,
  mapping: LineMapping,
  tally: Tally,
  onRecords: (records: number) => void,
  signal: AbortSignal,
): Promise<IngestResult> {
  const before = tally.records;
  const send = (ingestId: string): Promise<IngestResult> =>
    client.ingest(
      collection,
      file.records(mapping, (problem) => addProblem(tally, problem)),
      {
        ingestId,
        signal,
        onProgress: ({ recordCount, resumed, errors }) => {
          if (resumed) tally.resumed = recordCount;
          for (const { index, id, problem } of errors)
            addProblem(tally, { file: file.path, line: file.lineOf(index), problem: `${id}: ${problem}` });
          tally.records = before + recordCount;
          onRecords(recordCount);
        },
      },
    );
  try {
    return await send(file.ingestId);
  } catch (error) {
    if (!(error instanceof RpcError && error.reason === "INGEST_CLOSED")) throw error;
    file.bytesRead = 0;
    return await send(`${file.ingestId}-${Date.now().toString(36)}`);
  }
}

function sum(files: readonly RecordFile[], key: "size" | "bytesRead"): number {
  return files.reduce((total, file) => total + file[key], 0);
}

function addProblem(tally: Tally, problem: LineProblem): void {
  tally.problemCount += 1;
  if (tally.problems.length < reportedProblems) tally.problems.push(problem);
}

function report(collection: string, tally: Tally, seconds: number, json: boolean): void {
  const { problems, problemCount, ...counts } = tally;
  if (json) printJson({ collection, ...counts, seconds, problem_count: problemCount, problems });
  else reportToPerson(collection, tally, seconds);
}

function reportToPerson(
  collection: string,
  { records, kept, resumed, problems, problemCount }: Tally,
  seconds: number,
): void {
  for (const { file, line, problem } of problems.slice(0, shownProblems)) note(`${file}:${line}: ${problem}`);
  if (problemCount > shownProblems) note(`… and ${count(problemCount - shownProblems)} more bad records.`);
  const rate = count(Math.round(records / Math.max(seconds, 0.001)));
  const earlier = resumed > 0 ? `, ${count(resumed)} of them by an earlier run` : "";
  print(
    `${count(kept)} records are in "${collection}"${earlier}; ${count(problemCount)} bad. ${seconds.toFixed(1)} s, ${rate} records/s.`,
  );
}
