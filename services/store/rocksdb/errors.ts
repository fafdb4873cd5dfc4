import { StoreError, type StoreErrorCode } from "../store.ts";

type Doing = "open" | "read" | "write";

const whatFailed = {
  open: "The store cannot be opened: check the folder, its rights and the space on its disk",
  read: "The store cannot be read: check its disk",
  write: "The disk failed or is full: free space or repair it; restart if writes still fail after some seconds",
} as const;

/** Maps what RocksDB, or the file system, threw. */
export function storeError(error: unknown, doing: Doing): StoreError {
  if (error instanceof StoreError) return error;
  const cause = rootCause(error);
  const [code, advice] = meaning(cause, doing);
  return new StoreError(code, `${advice} (${cause.message}).`, {}, error);
}

function meaning(cause: RocksError, doing: Doing): [StoreErrorCode, string] {
  if (cause.code === "LEVEL_LOCKED") {
    return ["FAILED_PRECONDITION", "Another process, or this one, has the store open: stop it first"];
  }
  if (doing !== "write" && isDamage(cause)) return ["DATA_LOSS", "The store on disk is damaged: restore a backup"];
  return ["UNAVAILABLE", whatFailed[doing]];
}

function isDamage(error: RocksError): boolean {
  return (
    error.code === "LEVEL_CORRUPTION" || /^(IO error: No such file|Corruption|Not implemented)/.test(error.message)
  );
}

interface RocksError {
  readonly message: string;
  readonly code?: string;
}

/** RocksDB's reason for a failed open lies below the binding's. */
function rootCause(error: unknown): RocksError {
  if (!(error instanceof Error)) return { message: String(error) };
  return error.cause instanceof Error ? rootCause(error.cause) : error;
}
