import { randomBytes } from "node:crypto";
import type { Meter } from "@opentelemetry/api";
import { type ServerMiddleware, Status } from "nice-grpc";
import type { Logger } from "pino";
import { Counter } from "./counter.ts";
import { ServiceError } from "./errors.ts";
import { toGrpcError } from "./grpc-error.ts";
import type { SentListener } from "./service.ts";

export interface CallMetrics {
  ended(method: string, code: Status, seconds: number): void;
  streams(method: string, difference: 1 | -1): void;
  readonly sent: SentListener;
}

export function createCallMetrics(meter: Meter): CallMetrics {
  const calls = meter.createHistogram("loraloop_call_seconds", {
    description: "Duration of calls, streams to their end.",
    advice: { explicitBucketBoundaries: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 60, 600] },
  });
  const open = meter.createUpDownCounter("loraloop_open_streams", { description: "Streaming calls that run now." });
  const messages = new Counter(meter, "loraloop_messages_sent", "Responses and frames.", "method");
  const bytes = new Counter(meter, "loraloop_bytes_sent", "Bytes of responses and frames.", "method");
  return {
    ended: (method, code, seconds) => calls.record(seconds, { method, code: Status[code] ?? String(code) }),
    streams: (method, difference) => open.add(difference, { method }),
    sent(method, length) {
      messages.add(1, method);
      bytes.add(length, method);
    },
  };
}

/** Calls whose handlers have not finished. */
export class OpenCalls {
  #count = 0;
  readonly #waiting: (() => void)[] = [];

  enter(): void {
    this.#count += 1;
  }

  leave(): void {
    this.#count -= 1;
    if (this.#count === 0) for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Resolves when there is none. */
  async ended(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

export interface CallObserver {
  readonly log: Logger;
  readonly metrics: CallMetrics;
  readonly calls: OpenCalls;
}

/** Gives each call its id, measures and logs it, and turns what it throws into what goes on the wire. */
export function observeCalls({ log, metrics, calls }: CallObserver): ServerMiddleware<{ readonly requestId: string }> {
  return async function* observe(call, context) {
    const method = call.method.path;
    const requestId = newRequestId();
    const started = performance.now();
    const streams = call.requestStream || call.responseStream;
    let code: Status = Status.CANCELLED;
    calls.enter();
    if (streams) metrics.streams(method, 1);
    try {
      const response = yield* call.next(call.request, { ...context, requestId });
      code = Status.OK;
      return response;
    } catch (error) {
      if (isAbortError(error)) throw error;
      const mapped = toGrpcError(error, requestId);
      code = mapped.code;
      logFailure(log.child({ requestId, method }), error, code);
      throw mapped;
    } finally {
      const seconds = (performance.now() - started) / 1_000;
      log.debug({ requestId, method, code: Status[code], seconds }, "call ended");
      metrics.ended(method, code, seconds);
      if (streams) metrics.streams(method, -1);
      calls.leave();
    }
  };
}

const processPart = randomBytes(4).toString("hex");
let callCount = randomBytes(4).readUInt32LE();

/** 16 hex digits: those of this process, then of the call. */
function newRequestId(): string {
  callCount = (callCount + 1) % 2 ** 32;
  return processPart + callCount.toString(16).padStart(8, "0");
}

/** What the caller is not told: our own faults, and why files or objects cannot be reached. A store's failures are logged where they happen. */
function logFailure(log: Logger, error: unknown, code: Status): void {
  if (code === Status.INTERNAL) log.error({ err: error }, "call failed");
  if (error instanceof ServiceError && error.reason === "STORE_UNAVAILABLE") {
    log.warn({ err: error.cause }, "storage failed");
  }
}

/** What waiting for an aborted signal throws: the client has cancelled. */
function isAbortError(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
