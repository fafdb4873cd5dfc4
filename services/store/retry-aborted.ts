import { StoreError } from "./store.ts";

const attempts = 16;

/** Runs the attempt again where another commit came between its reads and its commit; the last failure goes through. */
export async function retryAborted<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let left = attempts - 1; left > 0; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "ABORTED")) throw error;
    }
  }
  return attempt();
}
