import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Answer, Order } from "./postgres-keeper.ts";

/** A real PostgreSQL of our own: loopback only, fsync on, gone with its folder when the test process ends, however it ends. */
export interface PostgresServer extends AsyncDisposable {
  /** Of a superuser, in the database `postgres`. */
  readonly url: string;
  /** kill -9 of the server and all its processes. */
  kill(): Promise<void>;
  /** Starts it again, at the same address and on the same data, after `kill`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<PostgresServer> {
  const keeper = fork(fileURLToPath(new URL("./postgres-keeper.ts", import.meta.url)), {
    detached: true,
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  keeper.unref();
  let stopped: Promise<string> | undefined;
  const stop = async () => {
    stopped ??= give(keeper, "stop");
    await stopped;
  };
  const url = await give(keeper, "start").catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url,
    kill: async () => void (await give(keeper, "kill")),
    start: async () => void (await give(keeper, "start")),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The open channel keeps this process alive only while an order is under way. */
async function give(keeper: ChildProcess, order: Order): Promise<string> {
  keeper.channel?.ref();
  const answer = await new Promise<Answer>((resolve) => {
    const died = () => resolve({ error: "The keeper of PostgreSQL died." });
    keeper.once("exit", died);
    keeper.once("message", (message: Answer) => {
      keeper.off("exit", died);
      resolve(message);
    });
    keeper.send(order);
  });
  keeper.channel?.unref();
  if ("error" in answer) throw new Error(answer.error);
  return answer.url;
}
