import { randomBytes } from "node:crypto";
import { StoreError, type StoreIdentity } from "./store.ts";

/** The key of the first thing that is written into a store and read from it. */
export const FORMAT_KEY = "meta/format";

/** What a store says about itself, kept as JSON under `FORMAT_KEY`. */
export interface Format extends StoreIdentity {
  /** How the adapter lays out its keys; each adapter counts its own. */
  readonly version: number;
  /** The oldest program that may open this store: the format version that it was built for. */
  readonly oldestReader: number;
}

export function newFormat(version: number): Format {
  return { storeId: randomId(), incarnation: randomId(), version, oldestReader: version };
}

/** 32 lowercase hex digits. */
export function randomId(): string {
  return randomBytes(16).toString("hex");
}

/** Rejects with FailedPrecondition what is too new for a program of version `program`, DataLoss what is no format. */
export function parseFormat(text: string, program: number): Format {
  const format = readFormat(text);
  if (format.oldestReader > program) {
    throw new StoreError(
      "FAILED_PRECONDITION",
      `The store has format ${format.version}, which needs a program for format ${format.oldestReader}; this one knows ${program}.`,
      { storeFormat: String(format.version), programFormat: String(program) },
    );
  }
  return format;
}

function readFormat(text: string): Format {
  try {
    const format: unknown = JSON.parse(text);
    if (isFormat(format)) return format;
  } catch {
    // Falls through to the same answer: what is there is not a format.
  }
  throw new StoreError("DATA_LOSS", `The store's ${FORMAT_KEY} is damaged.`);
}

function isFormat(value: unknown): value is Format {
  const format = value as Partial<Record<keyof Format, unknown>> | null;
  return (
    typeof format === "object" &&
    isId(format?.storeId) &&
    isId(format?.incarnation) &&
    Number.isSafeInteger(format?.version) &&
    Number.isSafeInteger(format?.oldestReader)
  );
}

function isId(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value);
}
