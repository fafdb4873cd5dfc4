import { FORMAT_KEY, type Format, newFormat, parseFormat } from "../format.ts";
import type { Connection, Database } from "./database.ts";

/** The statements that lead from one format version to the next; the last one's number is this program's version. */
const migrations: readonly string[] = [
  `create table head (
     tenant bigint primary key,
     revision bigint not null,
     time bigint not null
   );
   create table history (
     tenant bigint primary key,
     floor bigint not null,
     swept bigint not null
   );
   create table commit_time (
     tenant bigint,
     revision bigint,
     time bigint not null,
     primary key (tenant, revision)
   );
   create table entry (
     tenant bigint,
     key bytea,
     minus_revision bigint,
     ordinal integer not null,
     value bytea,
     primary key (tenant, key, minus_revision)
   );
   alter table entry alter column value set storage external;
   alter table entry set (toast_tuple_target = 8160);
   create unique index entry_changes on entry (tenant, minus_revision desc, ordinal);
   create table pin (
     tenant bigint,
     id text collate "C",
     revision bigint not null,
     expires bigint not null,
     primary key (tenant, id)
   );`,
];

export const FORMAT_VERSION: number = migrations.length;

/** Makes the schema's tables, or brings older ones up to date, once for all processes that start together. */
export async function prepareSchema(database: Database): Promise<Format> {
  const found = await readFormat((text) => database.read(text));
  if (found && found.version >= FORMAT_VERSION) return found;
  return database.transaction((connection) => migrate(connection, database.schema));
}

async function migrate(connection: Connection, schema: string): Promise<Format> {
  await connection.query("select pg_advisory_xact_lock(hashtext($1))", [`loraloop ${schema}`]);
  await connection.query(`create schema if not exists "${schema}"`);
  await connection.query("create table if not exists meta (name text primary key, value text not null)");
  const found = await readFormat((text) => connection.query(text));
  for (const migration of migrations.slice(found?.version ?? 0)) await connection.query(migration);
  const format = { ...(found ?? newFormat(FORMAT_VERSION)), version: FORMAT_VERSION, oldestReader: FORMAT_VERSION };
  await connection.query(
    "insert into meta (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value",
    [FORMAT_KEY, JSON.stringify(format)],
  );
  return format;
}

async function readFormat(query: (text: string) => Promise<Record<string, unknown>[]>): Promise<Format | undefined> {
  const [table] = await query("select to_regclass('meta') is not null as exists");
  if (!table?.["exists"]) return undefined;
  const [row] = await query(`select value from meta where name = '${FORMAT_KEY}'`);
  return row && parseFormat(String(row["value"]), FORMAT_VERSION);
}
