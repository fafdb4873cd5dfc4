import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { startPostgres } from "../../../test/support/postgres.ts";
import type { Crash, Place } from "../conformance/harness.ts";
import { bytes, changesAll, put } from "../conformance/helpers.ts";
import { storeConformance } from "../conformance/suite.ts";
import { killWriter } from "../conformance/writing.ts";
import { FORMAT_KEY, type Format } from "../format.ts";
import { openStore } from "../open-store.ts";
import type { Store, StoreError } from "../store.ts";

// A server of its own, because it is killed.
const server = await startPostgres();
afterAll(() => server.stop());

const killServer: Crash = {
  name: "kill -9 of PostgreSQL",
  start: killWriter.start,
  async strike(_place, writer) {
    await server.kill();
    await server.start();
    writer.kill("SIGKILL");
  },
};

storeConformance(
  "postgres",
  { create: createPlace, crashes: [killServer], openers: "many", raiseFormat },
  {
    skip: [
      { category: "head", reason: "PostgreSQL guards its own files, by checksums of its log and its pages." },
      { category: "disk-full", reason: "The disk is PostgreSQL's; errors.test.ts checks what becomes of its error." },
    ],
  },
);

describe("postgres store, when PostgreSQL crashes during commits", () => {
  test("each commit is either acknowledged or invisible, and the store goes on", async () => {
    const place = await createPlace();
    const store = await openStore(place.config);
    for (let round = 0; round < 3; round++) {
      const keys = Array.from({ length: 400 }, (_, n) => `${round}-${n}`);
      const commits = keys.map((key) =>
        store.commit(1, [put(key), { put: bytes("same"), value: new Uint8Array(200_000) }]),
      );
      const settled = Promise.allSettled(commits);
      await commits[100];
      await server.kill();
      await server.start();
      const outcomes = await settled;
      for (const [n, outcome] of outcomes.entries()) {
        const stored = await store.get(1, bytes(keys[n] ?? ""));
        if (outcome.status === "fulfilled") expect(stored?.revision).toBe(outcome.value.revision);
        else expect([stored, (outcome.reason as StoreError).code]).toEqual([undefined, "UNAVAILABLE"]);
      }
      expect(outcomes.filter(({ status }) => status === "fulfilled").length).toBeGreaterThan(100);
    }
    const changed = await changesAll(store, 1, 0n);
    expect(changed.map(({ revision }) => revision)).toEqual(changed.map((_, n) => BigInt(Math.floor(n / 2) + 1)));
    await store.close();
    await place.remove();
  });
});

describe("postgres store, when commits are slow", () => {
  test("a follower of two committers misses nothing and sees nothing twice", async () => {
    const place = await createPlace();
    const stores = await Promise.all([1, 2, 3].map(() => openStore(place.config)));
    await slowDown(place);
    const [follower, ...committers] = stores as [Store, Store, Store];
    const writing = Promise.all(committers.flatMap((store, s) => [1, 2, 3, 4].map((w) => write(store, `${s}-${w}`))));
    const seen: bigint[] = [];
    while (seen.length < 160) {
      const page = await follower.changes(1, seen.at(-1) ?? 0n);
      seen.push(...page.changes.map(({ revision }) => revision));
    }
    await writing;
    expect(seen).toEqual(seen.map((_, n) => BigInt(n + 1)));
    await Promise.all(stores.map((store) => store.close()));
    await place.remove();
  });

  async function write(store: Store, name: string): Promise<void> {
    for (let n = 0; n < 20; n++) await store.commit(1, [put(`${name}-${n}`)]);
  }

  /** Each entry delays its commit, at the commit, by up to 20 ms. */
  async function slowDown({ config }: Place): Promise<void> {
    if (config.kind !== "postgres") throw new Error("Not a place of this test.");
    const { schema } = config;
    await run(`
      create function ${schema}.wait() returns trigger language plpgsql as
        'begin perform pg_sleep(random() * 0.02); return null; end';
      create constraint trigger wait after insert on ${schema}.entry deferrable initially deferred
        for each row execute function ${schema}.wait()`);
  }
});

test("a database that does not exist is named", async () => {
  const url = Object.assign(new URL(server.url), { pathname: "/nothing" }).href;
  await expect(openStore({ kind: "postgres", url, schema: "loraloop" })).rejects.toMatchObject({
    code: "FAILED_PRECONDITION",
    message: expect.stringMatching(/database "nothing" \(store_url\) cannot be opened: .*\(3D000\)/),
  });
});

async function createPlace(): Promise<Place> {
  const schema = `test_${randomBytes(6).toString("hex")}`;
  return {
    config: { kind: "postgres", url: server.url, schema },
    remove: async () => void (await run(`drop schema if exists ${schema} cascade`)),
  };
}

async function raiseFormat({ config }: Place): Promise<void> {
  if (config.kind !== "postgres") throw new Error("Not a place of this test.");
  const meta = `${config.schema}.meta`;
  const rows = await run(`select value from ${meta} where name = $1`, [FORMAT_KEY]);
  const format = JSON.parse(String(rows[0]?.["value"])) as Format;
  const newer = { ...format, version: format.version + 1, oldestReader: format.oldestReader + 1 };
  await run(`update ${meta} set value = $2 where name = $1`, [FORMAT_KEY, JSON.stringify(newer)]);
}

async function run(statement: string, values?: string[]): Promise<Record<string, unknown>[]> {
  const client = new pg.Client(server.url);
  await client.connect();
  try {
    return (await client.query(statement, values)).rows;
  } finally {
    await client.end();
  }
}
