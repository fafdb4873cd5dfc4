import { Worker } from "node:worker_threads";
import { fromThreadError } from "../../../kit/thread-error.ts";
import { type Store, transferListOf } from "../../../store/store.ts";
import type { Chunk } from "./chunk.ts";
import type { RenderJob, RenderReply, RenderRequest, RenderThreadData, ScanRequest } from "./render-messages.ts";

/** One build's use of the pool. */
export interface RenderClient {
  readonly build: number;
  readonly job: RenderJob;
  /** The next scan may begin at `next`; the chunk follows. */
  scanned(next: Uint8Array | undefined): void;
  rendered(chunk: Chunk): void;
  failed(error: Error): void;
}

interface Task {
  readonly client: RenderClient;
  readonly scan: ScanRequest;
}

interface Thread {
  readonly worker: Worker;
  readonly builds: Set<number>;
  ready: boolean;
  task: Task | undefined;
}

/** Rendering makes much that dies at once; the serving thread, which does not, keeps a smaller young generation (kit/main.ts). */
const YOUNG_GENERATION_MIB = 24;

/** The threads that scan and render for all builds; each has one chunk at a time. One is there from the start, others come when there is work for them. */
export class RenderPool {
  /** How many there may be. */
  readonly maximum: number;
  readonly #data: () => RenderThreadData;
  readonly #threads: Thread[] = [];
  #waiting: Task[] = [];
  #closed = false;

  constructor(store: Store, maximum: number, pluginsDirectory: string | undefined) {
    this.maximum = maximum;
    this.#data = () => ({ store: store.share(), pluginsDirectory });
    this.#start();
  }

  scan(client: RenderClient, scan: ScanRequest): void {
    this.#waiting.push({ client, scan });
    this.#next();
  }

  /** Goes on with a chunk of which a part came and was taken: one at a time, since parts are taken in order. */
  resume(build: number, number: number): void {
    const thread = this.#threads.find(({ task }) => task?.client.build === build && task.scan.number === number);
    if (thread !== undefined) send(thread, { kind: "resume", build });
  }

  /** Nothing of this build is reported any more. */
  forget(build: number): void {
    this.#waiting = this.#waiting.filter(({ client }) => client.build !== build);
    for (const thread of this.#threads) {
      if (thread.builds.delete(build)) send(thread, { kind: "close", build });
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
  }

  #start(): void {
    const data = this.#data();
    const worker = new Worker(new URL("./render-thread.ts", import.meta.url), {
      workerData: data,
      transferList: transferListOf(data.store),
      name: "render",
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB },
    });
    const thread: Thread = { worker, builds: new Set(), ready: false, task: undefined };
    worker.on("message", (reply: RenderReply) => this.#receive(thread, reply));
    worker.on("error", (error) => this.#lose(thread, error));
    worker.on("exit", () => this.#lose(thread, new Error("A render thread ended.")));
    worker.unref();
    this.#threads.push(thread);
  }

  /** Gives waiting scans to idle threads; starts one more where that is not enough. */
  #next(): void {
    for (const thread of this.#threads) {
      if (!thread.ready || thread.task !== undefined) continue;
      const task = this.#waiting.shift();
      if (task === undefined) return;
      this.#give(thread, task);
    }
    const starting = this.#threads.some(({ ready }) => !ready);
    if (this.#waiting.length > 0 && !starting && this.#threads.length < this.maximum) this.#start();
  }

  #give(thread: Thread, task: Task): void {
    const { build, job } = task.client;
    thread.task = task;
    const isNew = !thread.builds.has(build);
    thread.builds.add(build);
    send(thread, { kind: "scan", build, job: isNew ? job : undefined, scan: task.scan });
  }

  #receive(thread: Thread, reply: RenderReply): void {
    if (reply.kind === "ready") {
      thread.ready = true;
      this.#next();
      return;
    }
    const client = thread.task?.client;
    if (reply.kind === "scanned") {
      client?.scanned(reply.next);
      return;
    }
    if (reply.kind === "failed" || reply.chunk.complete) {
      thread.task = undefined;
      this.#next();
    }
    if (reply.kind === "rendered") client?.rendered(reply.chunk);
    else client?.failed(fromThreadError(reply.error));
  }

  #lose(thread: Thread, error: Error): void {
    const place = this.#threads.indexOf(thread);
    if (place === -1 || this.#closed) return;
    this.#threads.splice(place, 1);
    const lost = thread.task === undefined ? [] : [thread.task];
    // A thread that cannot even start: who waits for one hears why.
    if (!thread.ready) lost.push(...this.#waiting.splice(0));
    for (const { client } of lost) client.failed(error);
    this.#next();
  }
}

function send({ worker }: Thread, request: RenderRequest): void {
  worker.postMessage(request);
}
