import { setTimeout as sleep } from "node:timers/promises";
import { StoreError } from "./store.ts";

const attempts = 24;
const firstPauseMillis = 2;
const longestPauseMillis = 250;

/**
 * Runs the attempt again where another commit came between its reads and its commit; the last failure goes through. Pauses between attempts grow and
 * are random, so that those who contend drift apart: 4.5 seconds at most in all.
 */
export async function retryAborted<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let failed = 0; failed < attempts - 1; failed++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
    }
    await sleep(Math.random() * Math.min(firstPauseMillis * 2 ** failed, longestPauseMillis));
  }
  return attempt();
}
