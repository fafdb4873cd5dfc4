import type { MessagePort } from "node:worker_threads";
import { type Entry, type Page, StoreError, type StoreReader } from "../store.ts";
import type { Call, PortError, Request, Response } from "./messages.ts";

/** Answers one reader's calls. The open port alone keeps no process alive. */
export function servePort(store: StoreReader, port: MessagePort): void {
  port.on("message", async ({ id, call }: Request) => {
    port.postMessage(await answer(store, id, call));
  });
  port.unref();
}

async function answer(store: StoreReader, id: number, call: Call): Promise<Response> {
  try {
    return { id, result: await run(store, call) };
  } catch (error) {
    return { id, error: portError(error) };
  }
}

function run(store: StoreReader, call: Call): Promise<Entry | Page | undefined> {
  return call.method === "get"
    ? store.get(call.tenant, call.key, call.at)
    : store.scan(call.tenant, call.range, call.options);
}

function portError(error: unknown): PortError {
  if (!(error instanceof StoreError)) throw error;
  return { code: error.code, message: error.message, details: error.details };
}
