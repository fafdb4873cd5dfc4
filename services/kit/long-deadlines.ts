import { subscribe } from "node:diagnostics_channel";
import type { IncomingHttpHeaders } from "node:http2";

const secondsPerUnit: Readonly<Record<string, number>> = { H: 3_600, M: 60, S: 1, m: 1e-3, u: 1e-6, n: 1e-9 };

/** What fits in the 31 bits of milliseconds that Node's timers have. */
const longestSeconds = 24 * 24 * 3_600;

/** A deadline beyond 24 days counts as 24 days; grpc-js would overflow and end such a call at once. Returns the header as grpc-js shall read it. */
export function capTimeout(header: string): string {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  const seconds = Number(match?.[1]) * (secondsPerUnit[match?.[2] ?? ""] ?? Number.NaN);
  return seconds > longestSeconds ? `${longestSeconds}S` : header;
}

let capped = false;

/** Caps the deadlines of all calls of this process, before grpc-js reads them. */
export function capDeadlines(): void {
  if (capped) return;
  capped = true;
  subscribe("http2.server.stream.created", (message) => {
    const { headers } = message as { headers: IncomingHttpHeaders };
    const timeout = headers["grpc-timeout"];
    if (typeof timeout === "string") headers["grpc-timeout"] = capTimeout(timeout);
  });
}
