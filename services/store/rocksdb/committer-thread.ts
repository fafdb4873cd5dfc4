import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Database } from "./database.ts";
import { Group } from "./group.ts";
import { HeadFile } from "./head-file.ts";
import type { CommitJob, CommitterData, Request, WriteJob } from "./messages.ts";
import { Sweeper } from "./sweeper.ts";

/**
 * The one thread that writes. Commits that arrive while an fsync runs are written and synced together
 * as soon as it is over; nobody waits for more to come.
 */
const maxGroupBytes = 4 * 1024 * 1024;

const { handle, headPath } = workerData as CommitterData;
const port = parentPort as MessagePort;
const database = await Database.open(handle);
const headFile = HeadFile.open(headPath);
const sweeper = new Sweeper(database);
const group = new Group(database, headFile, sweeper);
const waiting: Request[] = [];

sweeper.resume();
port.on("message", (requests: Request[]) => {
  waiting.push(...requests);
  let next = nextRequest();
  while (next) {
    if (!isWrite(next)) return end(next.id);
    const { requests, rest } = gather(next);
    port.postMessage(group.settle(requests));
    next = rest;
  }
});

/** What came, else what arrived meanwhile. */
function nextRequest(): Request | undefined {
  if (waiting.length === 0) waiting.push(...((receiveMessageOnPort(port)?.message ?? []) as Request[]));
  return waiting.shift();
}

/** The commits that wait, up to the limit; any other job stands alone. */
function gather(first: Request<WriteJob>): { requests: Request<WriteJob>[]; rest: Request | undefined } {
  const requests: Request<WriteJob>[] = [first];
  if (!isCommit(first)) return { requests, rest: undefined };
  let bytes = first.job.bytes;
  while (bytes < maxGroupBytes) {
    const rest: Request | undefined = nextRequest();
    if (!rest || !isCommit(rest)) return { requests, rest };
    requests.push(rest);
    bytes += rest.job.bytes;
  }
  return { requests, rest: undefined };
}

function isWrite(request: Request): request is Request<WriteJob> {
  return request.job.kind !== "close";
}

function isCommit(request: Request): request is Request<CommitJob> {
  return request.job.kind === "commit";
}

function end(id: number): void {
  port.postMessage([{ id, result: undefined }]);
  sweeper.stop();
  headFile.close();
  port.close();
}
