import { type Logger, pino } from "pino";

/** JSON lines on standard output. Secrets and texts of calls are never logged; should a header slip in, it is blanked. */
export function createLog(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: ["authorization", "*.authorization", "metadata.authorization", "*.secret"], censor: "[redacted]" },
  });
}
