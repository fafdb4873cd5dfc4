import { Command } from "commander";
import { type Client, RpcError } from "../../typescript/src/index.ts";
import { InputError } from "../failure.ts";
import { count, note, print, printJson } from "../output.ts";
import { Progress } from "../progress.ts";
import { type LineMapping, type LineProblem, RecordFile } from "../record-file.ts";
import { programOptions, reconnectSeconds, withClient } from "../session.ts";

interface Options {
  readonly idField?: string;
  readonly qualityField?: string;
  readonly subjectField?: string;
  readonly groupField?: string;
}

/** What became of records: of one file, or of all. */
interface Tally {
  records: number;
  kept: number;
  /** Of these, records that an earlier run had written. */
  resumed: number;
  problems: LineProblem[];
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
  const total = newTally();
  const began = performance.now();
  await withClient(command, async (client, signal) => {
    using progress = new Progress(collection, sum(files, "size"), "records");
    for (const file of files) {
      const onRecords = (records: number): void => progress.update(sum(files, "bytesRead"), total.records + records);
      add(total, await ingestFile({ client, collection, file, mapping, onRecords, signal }));
    }
  });
  report(collection, total, (performance.now() - began) / 1000, programOptions(command).json === true);
  if (total.problemCount > 0) process.exitCode = 1;
}

interface FileIngest {
  readonly client: Client;
  readonly collection: string;
  readonly file: RecordFile;
  readonly mapping: LineMapping;
  readonly onRecords: (records: number) => void;
  readonly signal: AbortSignal;
}

/** One file, one ingest. A file that was ingested whole before, or too long ago to go on, is written again: by their ids, equal records change nothing. */
async function ingestFile(work: FileIngest): Promise<Tally> {
  const { file, mapping } = work;
  const first = await send(work, file.ingestId).catch((error: unknown) => {
    if (error instanceof RpcError && error.reason === "INGEST_CLOSED") return undefined;
    throw error;
  });
  if (first !== undefined && (first.records === 0 || first.resumed < first.records)) return first;
  if (await file.hasIds(mapping)) return send(work, `${file.ingestId}-${Date.now().toString(36)}`);
  if (first === undefined) {
    throw new InputError(
      `${file.path}: an earlier run was interrupted more than ten minutes ago, and its records have no ids: written again, some would be there twice. ` +
        "Ingest it into another collection, or name the key of their ids by --id-field.",
    );
  }
  note(`${file.path} was ingested before. Its records have no ids: written again, they would be there twice.`);
  return first;
}

async function send({ client, collection, file, mapping, onRecords, signal }: FileIngest, id: string): Promise<Tally> {
  const tally = newTally();
  const records = file.records(mapping, (problem) => addProblem(tally, problem));
  const { keptCount, recordCount } = await client.ingest(collection, records, {
    ingestId: id,
    signal,
    reconnectSeconds,
    onProgress: ({ recordCount: done, resumed, errors }) => {
      if (resumed) tally.resumed = done;
      for (const error of errors) {
        const problem = `${error.id}${error.id === "" ? "" : ": "}${error.problem}`;
        addProblem(tally, { file: file.path, line: file.lineOf(error.index), problem });
      }
      onRecords(done);
    },
  });
  if (file.failure !== undefined) {
    throw new InputError(`${file.failure.message}. The ${keptCount} records before that are in "${collection}".`);
  }
  return { ...tally, records: recordCount, kept: keptCount };
}

function newTally(): Tally {
  return { records: 0, kept: 0, resumed: 0, problems: [], problemCount: 0 };
}

function add(total: Tally, file: Tally): void {
  total.records += file.records;
  total.kept += file.kept;
  total.resumed += file.resumed;
  total.problems = [...total.problems, ...file.problems].slice(0, reportedProblems);
  total.problemCount += file.problemCount;
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
  if (resumed > 0)
    note(`Bad records among the first ${count(resumed)} were told by the earlier run, and are not told again.`);
  const rate = count(Math.round(records / Math.max(seconds, 0.001)));
  const earlier = resumed > 0 ? `, ${count(resumed)} of them by an earlier run` : "";
  print(
    `${count(kept)} records are in "${collection}"${earlier}; ${count(problemCount)} bad. ${seconds.toFixed(1)} s, ${rate} records/s.`,
  );
}
