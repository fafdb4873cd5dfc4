import { ConnectionError, RpcError } from "../typescript/src/index.ts";

/** What the user gave cannot be used: a file, a value. */
export class InputError extends Error {
  override readonly name = "InputError";
}

/** Exit codes: 0 done, 1 refused or failed, 2 wrong usage or input, 3 no connection, 130 interrupted. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof InputError || isMissingFile(error)) return 2;
  if (error instanceof ConnectionError || (error instanceof RpcError && error.code === "UNAVAILABLE")) return 3;
  if ((error as Error).name === "AbortError") return 130;
  return 1;
}

/** One line or a few for a person. */
export function explain(error: unknown): string {
  if (error instanceof RpcError) {
    return error.reason === "" ? `${error.message} [${error.code}]` : `${error.message} [${error.reason}]`;
  }
  if ((error as Error).name === "AbortError") return "interrupted";
  return (error as Error).message;
}

function isMissingFile(error: unknown): boolean {
  return ["ENOENT", "EACCES", "EISDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}
