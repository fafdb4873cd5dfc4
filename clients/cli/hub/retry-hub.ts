import { setTimeout as delay } from "node:timers/promises";
import { HubApiError } from "@huggingface/hub";
import { ConnectionError, LoraloopError } from "../../typescript/src/index.ts";

const firstWaitSeconds = 0.5;
const waits = 6;

/**
 * Does `work` again, after waits that double, while the hub is away or overloaded; waits six times (32 s) without progress at most. Other refusals are final.
 * @param work calls `progress` whenever something came through
 */
export async function retryHub<T>(work: (progress: () => void) => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await work(() => {
        failures = 0;
      });
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error) || failures === waits) throw readable(error);
      await delay(firstWaitSeconds * 2 ** failures * 1000, undefined, { signal });
    }
  }
}

/** The hub's server is in trouble, or `fetch` lost it. */
function isPassing(error: unknown): boolean {
  if (error instanceof HubApiError) return error.statusCode >= 500 || [408, 429].includes(error.statusCode);
  return error instanceof TypeError && ["fetch failed", "terminated"].includes(error.message);
}

/** Without the query of addresses, in which storage keeps its signatures. */
function readable(error: unknown): unknown {
  if (error instanceof HubApiError) {
    return new LoraloopError(`The hub refused (${error.statusCode}): ${error.message.replaceAll(/\?[^\s"]*/g, "")}`);
  }
  if (!isPassing(error)) return error;
  const { cause } = error as Error;
  return new ConnectionError(`The hub cannot be reached: ${cause instanceof Error ? cause.message : String(error)}`);
}
