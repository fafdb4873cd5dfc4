import { Worker } from "node:worker_threads";
import { transferListOf } from "../../../store/store.ts";
import type { BuildReply, BuildRequest } from "./build-messages.ts";
import { type DeduplicationCounts, DeduplicationMemory, sharedCount } from "./deduplication-memory.ts";

/** What a build hears from its thread. */
export interface BuildListener {
  reply(reply: BuildReply): void;
  /** The thread ended without being asked to. */
  lost(error: Error): void;
}

/** A thread that assembles one snapshot at a time. */
export class BuildThread {
  readonly #worker: Worker;
  readonly #memory: DeduplicationMemory;
  #listener: BuildListener | undefined;
  #ended = false;

  /** `deduplicationBytes`: what all threads hold. */
  constructor(deduplicationBytes: DeduplicationCounts["all"]) {
    const workerData: DeduplicationCounts = { all: deduplicationBytes, own: sharedCount() };
    this.#memory = new DeduplicationMemory(workerData);
    this.#worker = new Worker(new URL("./build-thread.ts", import.meta.url), {
      name: "build",
      workerData,
      resourceLimits: { maxYoungGenerationSizeMb: 3 },
    });
    this.#worker.on("message", (reply: BuildReply) => this.#listener?.reply(reply));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => {
      this.#memory.release();
      this.#end(new Error("A build thread ended."));
    });
    this.#worker.unref();
  }

  get ended(): boolean {
    return this.#ended;
  }

  listen(listener: BuildListener | undefined): void {
    this.#listener = listener;
  }

  post(request: BuildRequest, transfers: readonly ArrayBuffer[] = []): void {
    const ports = request.kind === "start" ? transferListOf(request.store) : [];
    this.#worker.postMessage(request, [...transfers, ...ports]);
  }

  async terminate(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#listener?.lost(error);
  }
}

/** Threads for the builds that run at once; one more build waits for its turn. One idle thread is kept ready. */
export class BuildThreads {
  readonly #maximum: number;
  readonly #deduplicationBytes = sharedCount();
  readonly #idle: BuildThread[] = [new BuildThread(this.#deduplicationBytes)];
  readonly #busy = new Set<BuildThread>();
  readonly #waiting = new Set<(thread: BuildThread | undefined) => void>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Undefined where it was aborted while it waited. */
  acquire(signal: AbortSignal): Promise<BuildThread | undefined> {
    const { promise, resolve } = Promise.withResolvers<BuildThread | undefined>();
    this.#waiting.add(resolve);
    signal.addEventListener("abort", () => {
      if (this.#waiting.delete(resolve)) resolve(undefined);
    });
    this.#next();
    return promise;
  }

  /** Takes back a thread that has let go of its build, or ended. */
  release(thread: BuildThread): void {
    thread.listen(undefined);
    this.#busy.delete(thread);
    if (!thread.ended && this.#idle.length === 0) this.#idle.push(thread);
    else void thread.terminate();
    this.#next();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#idle, ...this.#busy].map((thread) => thread.terminate()));
  }

  #next(): void {
    const [resolve] = this.#waiting;
    if (resolve === undefined || this.#busy.size >= this.#maximum) return;
    this.#waiting.delete(resolve);
    const thread = this.#takeIdle() ?? new BuildThread(this.#deduplicationBytes);
    this.#busy.add(thread);
    resolve(thread);
  }

  #takeIdle(): BuildThread | undefined {
    let thread = this.#idle.pop();
    while (thread?.ended) thread = this.#idle.pop();
    return thread;
  }
}
