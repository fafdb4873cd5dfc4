import { afterEach, beforeEach, expect, test } from "vitest";
import type { AliasMove } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { BaseModel } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { RegistryPlace } from "../../../test/support/registry-place.ts";
import { configOf } from "../../../test/support/stores.ts";
import { tinyBaseModel } from "../../../test/support/tiny-adapter.ts";
import { listAliasMoves } from "../commands/list-alias-moves.ts";
import { moveAlias } from "../commands/move-alias.ts";
import { registerBaseModel } from "../commands/register-base-model.ts";
import { watchAdapters } from "../commands/watch-adapters.ts";

const never = new AbortController().signal;

let one: RegistryPlace;
let other: RegistryPlace;

beforeEach(async () => {
  const config = configOf("postgres", "");
  one = await RegistryPlace.open("postgres", config);
  other = await RegistryPlace.open("postgres", config);
});
afterEach(async () => {
  await one[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

test("versions that two registries of one store make at once get numbers once", async () => {
  const made = Array.from({ length: 12 }, (_, turn) => (turn % 2 === 0 ? one : other).makeVersion("tone"));
  const numbers = (await Promise.all(made)).map(({ version }) => version).toSorted((a, b) => a - b);
  expect(numbers).toEqual(Array.from({ length: 12 }, (_, place) => place + 1));
});

test("base models that two registries of one store are given at once are all registered", async () => {
  const calls = Array.from({ length: 24 }, (_, turn) => {
    const model = BaseModel.fromPartial(tinyBaseModel(`model-${turn}`));
    return registerBaseModel((turn % 2 === 0 ? one : other).context, 1, model, "tester");
  });
  expect(new Set((await Promise.all(calls)).map(({ name }) => name)).size).toBe(24);
});

test("of those who move an alias from the same revision one wins, whichever registry they ask", async () => {
  for (let version = 1; version <= 2; version += 1) await one.makeVersion("tone");
  const winners: AliasMove[] = [];
  for (let round = 0; round < 6; round += 1) {
    const version = (round % 2) + 1;
    const request = { adapter: "tone", alias: "production", version, reason: "", actor: "" };
    const expectedRevision = winners.at(-1)?.revision ?? 0n;
    const calls = Array.from({ length: 10 }, (_, turn) =>
      moveAlias((turn % 2 === 0 ? one : other).context, 1, { ...request, expectedRevision }),
    );
    const won = (await Promise.allSettled(calls)).flatMap((call) => (call.status === "fulfilled" ? [call.value] : []));
    expect(won).toHaveLength(1);
    winners.push(...won);
  }
  const { moves } = await listAliasMoves(other.context, 1, { adapter: "tone", alias: "", limit: 100, end: undefined });
  expect(moves.toReversed()).toEqual(winners);
});

test("a watcher of one registry sees what the other commits", async () => {
  const watch = watchAdapters(one.context, { tenant: 1, adapter: "", afterRevision: 0n, signal: never, drain: never });
  await watch.next();
  for (let version = 1; version <= 3; version += 1) {
    const next = watch.next();
    await other.makeVersion("tone");
    expect((await next).value).toMatchObject({ change: { $case: "adapter", value: { latestVersion: version } } });
    expect((await watch.next()).value).toMatchObject({ change: { $case: "version", value: { version } } });
    expect((await watch.next()).value).toMatchObject({ change: { $case: "checkpoint" } });
  }
  await watch.return(undefined);
});
