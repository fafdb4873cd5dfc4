import { Worker } from "node:worker_threads";
import { limits } from "../limits.ts";
import { fromThreadError } from "../thread-error.ts";
import type { SchemaProblem } from "./schema.ts";
import { parseSchema, schemaInvalid } from "./schema-limits.ts";
import type { SchemaReply, SchemaRequest } from "./schema-thread.ts";

/**
 * Compiles schemas and checks single samples in a thread of its own, one after the other, at most `schema_milliseconds` of processor time each:
 * a schema that takes longer is SCHEMA_INVALID and its thread is ended.
 */
export class SchemaWorker implements AsyncDisposable {
  #thread: Promise<Worker> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #ending: Promise<unknown> = Promise.resolve();

  /** Rejects with ServiceError SCHEMA_INVALID. */
  async check(schema: string): Promise<void> {
    await this.#ask({ schema });
  }

  /** What does not fit of a sample given as valid JSON, `without` some of its keys; at most 20. Rejects with ServiceError SCHEMA_INVALID. */
  validate(schema: string, sampleJson: string, without: readonly string[] = []): Promise<SchemaProblem[]> {
    return this.#ask({ schema, sample: { json: sampleJson, without } });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const thread = await this.#thread;
    await Promise.all([thread?.terminate(), this.#ending]);
  }

  async #ask(request: SchemaRequest): Promise<SchemaProblem[]> {
    // What is refused by its size or references needs no thread.
    parseSchema(request.schema);
    const answer = this.#last.then(() => this.#run(request));
    this.#last = answer.catch(() => undefined);
    return answer;
  }

  async #run(request: SchemaRequest): Promise<SchemaProblem[]> {
    this.#thread ??= startThread();
    const thread = await this.#thread;
    const reply = await replyOf(thread, request);
    if (reply === undefined) {
      this.#thread = undefined;
      this.#ending = thread.terminate();
      throw schemaInvalid(`takes too long or too much memory: schema_milliseconds (${limits.schema_milliseconds})`);
    }
    if ("error" in reply) throw fromThreadError(reply.error);
    return reply.problems;
  }
}

/** How often a thread at work is looked at. */
const lookMillis = 50;

/** Undefined where the thread took more than its processor time, or ended. Processor time, so that a busy machine refuses nobody. */
function replyOf(thread: Worker, request: SchemaRequest): Promise<SchemaReply | undefined> {
  const { promise, resolve } = Promise.withResolvers<SchemaReply | undefined>();
  const gone = (): void => resolve(undefined);
  const start = thread.cpuUsage();
  const look = setInterval(() => {
    takesTooLong(thread, start).then((tooLong) => tooLong && gone(), gone);
  }, lookMillis);
  thread.once("message", resolve).once("error", gone).once("exit", gone);
  thread.postMessage(request);
  return promise.finally(() => {
    clearInterval(look);
    thread.off("message", resolve).off("error", gone).off("exit", gone);
  });
}

async function takesTooLong(thread: Worker, start: Promise<NodeJS.CpuUsage>): Promise<boolean> {
  const { user, system } = await thread.cpuUsage(await start);
  return (user + system) / 1000 > limits.schema_milliseconds;
}

async function startThread(): Promise<Worker> {
  const thread = new Worker(new URL("./schema-thread.ts", import.meta.url), {
    name: "schema",
    resourceLimits: { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 32 },
  });
  thread.on("error", () => undefined);
  thread.unref();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  thread.once("message", () => resolve()).once("error", reject);
  await promise.finally(() => thread.off("error", reject));
  return thread;
}
