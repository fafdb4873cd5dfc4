import { parentPort } from "node:worker_threads";
import { type DocumentTask, replyTo } from "./document-task.ts";

parentPort?.on("message", (task: DocumentTask) => parentPort?.postMessage(replyTo(task)));
