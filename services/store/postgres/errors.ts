import { StoreError } from "../store.ts";

/** What the driver or the server said, in the port's words. Their own text stays in `cause`. */
export function storeError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const code = sqlState(error);
  if (isConflict(code)) {
    return new StoreError("ABORTED", "The commit ran into another one; try again.", {}, error);
  }
  if (isRefusal(code)) {
    return new StoreError("FAILED_PRECONDITION", `PostgreSQL refuses what the store needs (${code}).`, {}, error);
  }
  if (code === "53100") {
    return new StoreError("UNAVAILABLE", "The disk of PostgreSQL is full.", {}, error);
  }
  const word = code ?? systemCode(error);
  const named = word ? ` (${word})` : "";
  return new StoreError("UNAVAILABLE", `PostgreSQL is away or failed${named}; try again later.`, {}, error);
}

/** Whether the connection is gone, so that nobody knows what became of the statement. */
export function isConnectionLoss(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = sqlState(error);
  return code === undefined || code.startsWith("08") || code.startsWith("57P");
}

/** Serialization failure, deadlock. */
function isConflict(code: string | undefined): boolean {
  return code === "40001" || code === "40P01";
}

/** Wrong password, no such database, missing privilege, read-only server. */
function isRefusal(code: string | undefined): boolean {
  return code !== undefined && (code.startsWith("28") || ["3D000", "42501", "25006"].includes(code));
}

/** The system's own, e.g. ECONNREFUSED. */
function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^E[A-Z_]+$/.test(code) ? code : undefined;
}

/** Five characters, digits among them, given by the server. The system's own codes (EPIPE) hold no digit. */
function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}
