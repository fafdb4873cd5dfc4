import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type CommitOperation, commitIter, createRepo, datasetInfo, downloadFile, HubApiError } from "@huggingface/hub";
import { cardFile } from "../export/dataset-card.ts";
import { inspectFolder, sumOf } from "../export/export-folder.ts";
import { type ExportIndex, indexFile, parseIndex, type ShardEntry } from "../export/export-index.ts";
import { digestFile } from "../export/shard-file.ts";
import { withoutRecords } from "../export/without-records.ts";
import { InputError } from "../failure.ts";
import { anyObject, parseStrict } from "../strict-json.ts";
import { retryHub } from "./retry-hub.ts";

const reportFile = "quality_report.json";

export interface PushTask {
  readonly folder: string;
  /** `owner/name`. */
  readonly repo: string;
  readonly endpoint: string;
  readonly token: string;
  readonly isPrivate: boolean;
  readonly signal: AbortSignal;
  /** `done` of `total` bytes of samples are checked, then uploaded. */
  readonly onProgress: (phase: "checking" | "pushing", done: number, total: number) => void;
}

export interface PushResult {
  readonly url: string;
  /** Where the repository held exactly this before. */
  readonly wasThere: boolean;
}

/**
 * Puts a finished folder into a dataset repository, which is made where there is none, in one commit: readers see all of it or nothing. What was uploaded
 * before an interruption is not uploaded again. Files of an export that was pushed earlier and are no part of this one are deleted. Records that were left
 * out are named in the folder's quality report, not in the one that is pushed.
 * Throws InputError where the folder is not what its index says, or the repository is public but should be private.
 */
export async function pushFolder(task: PushTask): Promise<PushResult> {
  const index = finishedIndex(task.folder);
  await checkFiles(task, index);
  await retryHub(() => ensureRepository(task), task.signal);
  return await retryHub((progress) => pushFiles(task, index, progress), task.signal);
}

function finishedIndex(folder: string): ExportIndex {
  const found = inspectFolder(folder);
  if (found.kind === "finished") return found.index;
  throw new InputError(
    found.kind === "nothing"
      ? `${folder} holds no export.`
      : `The export in ${folder} is not finished: run its command again first.`,
  );
}

function shardsOf({ splits }: ExportIndex): ShardEntry[] {
  return splits.flatMap(({ shards }) => shards);
}

async function checkFiles({ folder, signal, onProgress }: PushTask, index: ExportIndex): Promise<void> {
  const missing = filesOf(index).filter((path) => !existsSync(join(folder, path)));
  if (missing.length > 0) {
    throw new InputError(
      `${folder} lacks ${missing.join(", ")}: put back what is missing, or export into a new folder.`,
    );
  }
  const shards = shardsOf(index);
  let done = 0;
  for (const shard of shards) {
    const file = join(folder, shard.path);
    const { sha256 } = await digestFile(file, (count) => {
      signal.throwIfAborted();
      done += count;
      onProgress("checking", done, sumOf(shards, "bytes"));
    });
    if (sha256 !== shard.sha256) throw new InputError(`${file} is not the file that was exported: its digest differs.`);
  }
}

/** Samples never become public by a repository that was there already. */
async function ensureRepository({ repo, endpoint, token, isPrivate }: PushTask): Promise<void> {
  const access = { hubUrl: endpoint, accessToken: token };
  const info = await datasetInfo({ name: repo, ...access }).catch(absent);
  if (info === undefined) {
    await createRepo({ repo: datasetRepo(repo), ...access, ...(isPrivate && { visibility: "private" }) });
  } else if (isPrivate && !info.private) {
    throw new InputError(`${repo} is public: make it private first, or leave out --private.`);
  }
}

/** The hub says "unauthorized" of repositories that are not there, too. */
function absent(error: unknown): undefined {
  if (error instanceof HubApiError && [401, 404].includes(error.statusCode)) return undefined;
  throw error;
}

function datasetRepo(name: string) {
  return { type: "dataset", name } as const;
}

async function pushFiles(task: PushTask, index: ExportIndex, progress: () => void): Promise<PushResult> {
  const url = `${task.endpoint}/datasets/${task.repo}`;
  if (await isPushed(task, index)) return { url, wasThere: true };
  const stale = await deletions(task, index);
  const [split] = index.splits;
  const commit = commitIter({
    repo: datasetRepo(task.repo),
    hubUrl: task.endpoint,
    accessToken: task.token,
    title: `Samples of snapshot ${split?.snapshot.slice(0, 12)}`,
    operations: [...additions(task.folder, index), ...stale],
    abortSignal: task.signal,
  });
  const sizes = new Map(shardsOf(index).map(({ path, bytes }) => [path, bytes]));
  const uploaded = new Map<string, number>();
  for await (const event of commit) {
    const size = event.event === "fileProgress" && event.state === "uploading" ? sizes.get(event.path) : undefined;
    if (event.event !== "fileProgress" || size === undefined) continue;
    uploaded.set(event.path, size * event.progress);
    if (event.progress === 1) progress();
    task.onProgress("pushing", sumValues(uploaded), sumValues(sizes));
  }
  return { url, wasThere: false };
}

function sumValues(numbers: ReadonlyMap<string, number>): number {
  return [...numbers.values()].reduce((sum, number) => sum + number, 0);
}

/** Everything but the shards, whose digests the index holds. */
function filesBeside(index: ExportIndex): string[] {
  const others = index.files.adapter_set ? ["adapter_metadata.json", reportFile] : [];
  return [indexFile, cardFile, ...others];
}

function filesOf(index: ExportIndex): string[] {
  return [...shardsOf(index).map(({ path }) => path), ...filesBeside(index)];
}

/** A file beside the shards, as it may become public. */
function publicText(folder: string, path: string): string {
  const text = readFileSync(join(folder, path), "utf8");
  if (path !== reportFile) return text;
  return `${JSON.stringify(withoutRecords(parseStrict(anyObject, text, join(folder, path))), undefined, 2)}\n`;
}

async function isPushed(task: PushTask, index: ExportIndex): Promise<boolean> {
  for (const path of filesBeside(index)) {
    if ((await readPushed(task, path)) !== publicText(task.folder, path)) return false;
  }
  return true;
}

async function readPushed({ repo, endpoint, token }: PushTask, path: string): Promise<string | undefined> {
  const access = { hubUrl: endpoint, accessToken: token };
  const file = await downloadFile({ repo: datasetRepo(repo), path, ...access }).catch(absent);
  return await file?.text();
}

/** What an earlier push left; undefined where there was none that can be read. */
async function readPushedIndex(task: PushTask): Promise<ExportIndex | undefined> {
  const text = await readPushed(task, indexFile);
  try {
    return text === undefined ? undefined : parseIndex(text, indexFile);
  } catch (error) {
    if (error instanceof InputError) return undefined;
    throw error;
  }
}

function additions(folder: string, index: ExportIndex): CommitOperation[] {
  const shards = shardsOf(index).map(({ path }) => ({ path, content: pathToFileURL(join(folder, path)) }));
  const others = filesBeside(index).map((path) => ({ path, content: new Blob([publicText(folder, path)]) }));
  return [...shards, ...others].map((file) => ({ operation: "addOrUpdate", ...file }));
}

/** Of an earlier push. What somebody has removed cannot be deleted; the files beside the shards are such as one removes. */
async function deletions(task: PushTask, index: ExportIndex): Promise<CommitOperation[]> {
  const pushed = await readPushedIndex(task);
  if (pushed === undefined) return [];
  const kept = new Set(filesOf(index));
  const stale = filesOf(pushed).filter((path) => !kept.has(path));
  const beside = filesBeside(pushed).filter((path) => !kept.has(path));
  const gone = new Set<string>();
  for (const path of beside) if ((await readPushed(task, path)) === undefined) gone.add(path);
  return stale.filter((path) => !gone.has(path)).map((path) => ({ operation: "delete", path }));
}
