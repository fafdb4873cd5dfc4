import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { Database } from "./database.ts";
import { Group } from "./group.ts";
import { HeadFile } from "./head-file.ts";
import type { CommitJob, CommitterData, Request, WriteJob } from "./messages.ts";
import { Sweeper } from "./sweeper.ts";

/**
 * The one thread that writes. Commits that arrive while an fsync runs are written and synced together
 * as soon as it is over; it does not wait for more to come.
 */
const maxGroupBytes = 4 * 1024 * 1024;

const { handle, headPath } = workerData as CommitterData;
const port = parentPort as MessagePort;
const database = await Database.open(handle);
const headFile = HeadFile.open(headPath);
const sweeper = new Sweeper(database);
const group = new Group(database, headFile, sweeper);

sweeper.resume();
port.on("message", (came: Request[]) => {
  const waiting = [...came, ...arrivedMeanwhile()];
  while (waiting.length > 0) {
    const requests = takeGroup(waiting);
    if (!requests.every(isWrite)) return end(requests);
    port.postMessage(group.settle(requests));
  }
});

function arrivedMeanwhile(): Request[] {
  const arrived: Request[] = [];
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    arrived.push(...(next.message as Request[]));
  }
  return arrived;
}

/** The commits that wait, up to the limit; any other job stands alone. */
function takeGroup(waiting: Request[]): Request[] {
  let [count, bytes] = [0, 0];
  for (const request of waiting) {
    if (!isCommit(request) || bytes >= maxGroupBytes) break;
    bytes += request.job.bytes;
    count += 1;
  }
  return waiting.splice(0, Math.max(count, 1));
}

function isWrite(request: Request): request is Request<WriteJob> {
  return request.job.kind !== "close";
}

function isCommit(request: Request): request is Request<CommitJob> {
  return request.job.kind === "commit";
}

/** Nothing comes after it. */
function end(requests: readonly Request[]): void {
  port.postMessage(requests.map(({ id }) => ({ id, result: undefined })));
  sweeper.stop();
  headFile.close();
  port.close();
}
