import { StoreError } from "../store.ts";

type Doing = "open" | "read" | "write";

const advice = {
  locked: "another process, or this one, has this store open: stop it first",
  damaged: "the store on disk is damaged: restore a backup",
  failed: "the disk failed or is full: free space or repair it, then restart if writes still fail",
} as const;

/** Maps what RocksDB threw. It wraps the cause of a failed open. */
export function storeError(error: unknown, doing: Doing): StoreError {
  if (error instanceof StoreError) return error;
  const cause = rootCause(error);
  const text = cause.message;
  if (cause.code === "LEVEL_LOCKED")
    return new StoreError("FAILED_PRECONDITION", `${advice.locked} (${text})`, {}, error);
  if (doing === "write") return new StoreError("UNAVAILABLE", `${advice.failed} (${text})`, {}, error);
  if (isDamage(cause)) return new StoreError("DATA_LOSS", `${advice.damaged} (${text})`, {}, error);
  return new StoreError("UNAVAILABLE", `${advice.failed} (${text})`, {}, error);
}

function isDamage(error: RocksError): boolean {
  return (
    error.code === "LEVEL_CORRUPTION" || /No such file|Corruption|not implemented|Invalid argument/i.test(error.message)
  );
}

interface RocksError {
  readonly message: string;
  readonly code?: string;
}

function rootCause(error: unknown): RocksError {
  if (!(error instanceof Error)) return { message: String(error) };
  return error.cause instanceof Error ? rootCause(error.cause) : error;
}
