import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { StoreError } from "../store.ts";
import { isConnectionLoss, storeError } from "./errors.ts";

/** Text, numbers and bytes. Sent as parameters; bytes go in binary. */
export type Value = string | number | bigint | null | Uint8Array | readonly (string | number | bigint)[];

/** A statement that each connection prepares once. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export interface Connection {
  query<Row extends pg.QueryResultRow>(statement: Statement | string, values?: readonly Value[]): Promise<Row[]>;
}

/** Longest wait for an answer, in milliseconds, before a connection is taken for dead. */
const ANSWER_MS = 60_000;

/** How long to ask what became of a commit whose connection broke, in milliseconds. */
const OUTCOME_MS = 15_000;

/**
 * Settings of every session. Each statement is written for one path through one index, and statistics of young
 * tables mislead the planner, so its other choices are off. A stuck session must not hold a lock for ever.
 */
const settings = {
  synchronous_commit: "on",
  default_transaction_isolation: "read\\ committed",
  idle_in_transaction_session_timeout: "30s",
  lock_timeout: "30s",
  enable_seqscan: "off",
  enable_bitmapscan: "off",
  enable_sort: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  max_parallel_workers_per_gather: "0",
  jit: "off",
};

/** A pool of connections that see one schema. Rejects with `StoreError` only. */
export class Database {
  readonly schema: string;
  readonly #pool: pg.Pool;

  /** `schema` is 1 to 63 lowercase letters, digits and underscores, and does not begin with a digit. */
  constructor(url: string, schema: string, connections: number) {
    if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema)) {
      throw new StoreError("INVALID_ARGUMENT", `"${schema}" is not a schema name of lowercase letters, digits and _.`);
    }
    this.schema = schema;
    this.#pool = new pg.Pool({
      connectionString: url,
      max: connections,
      options: Object.entries({ search_path: schema, ...settings })
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(" "),
      connectionTimeoutMillis: 10_000,
      query_timeout: ANSWER_MS,
      keepAlive: true,
      application_name: "loraloop",
    });
    // A connection broke while nothing was asked of it: the pool drops it, or the next query on it rejects.
    this.#pool.on("connect", (client) => client.on("error", () => undefined));
    this.#pool.on("error", () => undefined);
  }

  /** For statements that only read: a broken connection is tried once more. */
  async read<Row extends pg.QueryResultRow>(statement: Statement | string, values?: readonly Value[]): Promise<Row[]> {
    try {
      return await this.#once<Row>(statement, values);
    } catch (error) {
      if (!isConnectionLoss((error as Error).cause)) throw error;
      return this.#once<Row>(statement, values);
    }
  }

  /** Commits what `run` did, or nothing. Resolves only when the commit is on the server's disk. */
  async transaction<Result>(run: (connection: Connection) => Promise<Result>): Promise<Result> {
    const client = await this.#connect();
    let id: string;
    let result: Result;
    try {
      id = await begin(client);
      result = await run({ query: (statement, values) => query(client, statement, values) });
    } catch (error) {
      await abandon(client, error);
      throw error;
    }
    try {
      await client.query("commit");
      client.release();
    } catch (error) {
      client.release(true);
      if (!isConnectionLoss(error) || !(await this.#committed(id, error))) throw storeError(error);
    }
    return result;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }

  #connect(): Promise<pg.PoolClient> {
    return asking(this.#pool.connect());
  }

  async #once<Row extends pg.QueryResultRow>(statement: Statement | string, values?: readonly Value[]): Promise<Row[]> {
    const client = await this.#connect();
    try {
      const rows = await query<Row>(client, statement, values);
      client.release();
      return rows;
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  /** The connection broke during `commit`: asks the server, when it is back, what became of the transaction. */
  async #committed(transaction: string, cause: unknown): Promise<boolean> {
    for (const deadline = Date.now() + OUTCOME_MS; Date.now() < deadline; await sleep(50)) {
      const status = await this.#status(transaction);
      if (status === "committed" || status === "aborted") return status === "committed";
    }
    throw new StoreError(
      "UNAVAILABLE",
      "PostgreSQL is away, and a commit's outcome unknown.",
      { outcome: "unknown" },
      cause,
    );
  }

  async #status(transaction: string): Promise<string | undefined> {
    try {
      const rows = await this.#once<{ status: string }>("select pg_xact_status($1::xid8) as status", [transaction]);
      return rows[0]?.status;
    } catch (error) {
      if (isConnectionLoss((error as Error).cause)) return undefined;
      throw error;
    }
  }
}

/** Returns the transaction's id. */
async function begin(client: pg.PoolClient): Promise<string> {
  // Two statements in one message have two results, which the driver's types do not say.
  const results: unknown = await asking(client.query("begin; select pg_current_xact_id()::text as id"));
  const [, { rows }] = results as [unknown, pg.QueryResult<{ id: string }>];
  return rows[0]?.id ?? "";
}

/** A refusal of our own leaves a healthy connection; what PostgreSQL failed at may not. */
async function abandon(client: pg.PoolClient, error: unknown): Promise<void> {
  if (!(error instanceof StoreError) || error.cause !== undefined) return client.release(true);
  await client.query("rollback").then(
    () => client.release(),
    () => client.release(true),
  );
}

async function query<Row extends pg.QueryResultRow>(
  client: pg.PoolClient,
  statement: Statement | string,
  values: readonly Value[] = [],
): Promise<Row[]> {
  const named = typeof statement === "string" ? { text: statement } : statement;
  return (await asking(client.query<Row>({ ...named, values: values.map(fitting) }))).rows;
}

async function asking<Result>(asked: Promise<Result>): Promise<Result> {
  try {
    return await asked;
  } catch (error) {
    throw storeError(error);
  }
}

const mostOfBigint = 2n ** 63n - 1n;

/** A revision that PostgreSQL's `bigint` does not hold lies above every head, as does the largest that it holds. */
function fitting(value: Value): Value {
  return typeof value === "bigint" && value > mostOfBigint ? mostOfBigint : value;
}
