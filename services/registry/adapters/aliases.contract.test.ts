import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AliasMove } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { storeKinds } from "../../../test/support/stores.ts";
import { limits } from "../../kit/limits.ts";
import { deleteAdapter } from "../commands/delete-adapter.ts";
import { getAdapter } from "../commands/get-adapter.ts";
import { listAliasMoves } from "../commands/list-alias-moves.ts";
import { moveAlias } from "../commands/move-alias.ts";
import { quarantineVersion } from "../commands/quarantine-version.ts";
import { resolveAlias } from "../commands/resolve-alias.ts";
import type { AliasMoveRequest } from "./move-alias.ts";

const request: AliasMoveRequest = {
  adapter: "tone",
  alias: "production",
  version: 1,
  expectedRevision: undefined,
  reason: "",
  actor: "tester",
};

describe.each(storeKinds)("aliases in %s", (kind) => {
  let place: RegistryPlace;

  beforeEach(async () => {
    place = await RegistryPlace.open(kind);
    for (let version = 1; version <= 3; version += 1) await place.makeVersion("tone");
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const move = (changes: Partial<AliasMoveRequest> = {}) => moveAlias(place.context, 1, { ...request, ...changes });
  const aliases = async () => (await getAdapter(place.context, 1, "tone", true)).aliases;

  async function history(alias: string, limit = 1000): Promise<AliasMove[]> {
    const moves: AliasMove[] = [];
    let end: Uint8Array | undefined;
    do {
      const page = await listAliasMoves(place.context, 1, { adapter: "tone", alias, limit, end });
      moves.push(...page.moves);
      end = page.next;
    } while (end !== undefined);
    return moves;
  }

  test("an alias is made, moved and removed, and every move is kept", async () => {
    const made = await move({ reason: "first", expectedRevision: 0n });
    place.passSeconds(1);
    const moved = await move({ version: 2, expectedRevision: made.revision, actor: "other" });
    expect(await aliases()).toMatchObject([{ alias: "production", version: 2, revision: moved.revision }]);
    const removed = await move({ version: 0, reason: "away" });
    expect(await aliases()).toEqual([]);
    const again = await move({ version: 3, expectedRevision: 0n });
    expect(made).toMatchObject({ fromVersion: 0, toVersion: 1, reason: "first", actor: "tester" });
    expect([moved, removed, again].map(({ fromVersion, toVersion }) => [fromVersion, toVersion])).toEqual([
      [1, 2],
      [2, 0],
      [0, 3],
    ]);
    expect(await history("production")).toEqual([again, removed, moved, made]);
  });

  test("a move that changes nothing is not made; what was never there cannot be removed", async () => {
    const made = await move();
    expect(await move()).toEqual(made);
    expect(await move({ expectedRevision: made.revision })).toEqual(made);
    const never = move({ alias: "never", version: 0 });
    await expect(never).rejects.toMatchObject({ reason: "ALIAS_NOT_FOUND", metadata: { alias: "never" } });
    const removed = await move({ version: 0 });
    expect(await move({ version: 0 })).toEqual(removed);
  });

  test("who expects another revision is refused and told the real one", async () => {
    const { revision } = await move();
    for (const expectedRevision of [0n, revision - 1n, revision + 1n]) {
      await expect(move({ version: 2, expectedRevision })).rejects.toMatchObject({
        reason: "ALIAS_CONFLICT",
        metadata: { expected_revision: String(expectedRevision), actual_revision: String(revision) },
      });
    }
    const never = move({ alias: "never", expectedRevision: 7n });
    await expect(never).rejects.toMatchObject({ metadata: { actual_revision: "0" } });
    expect(await history("production")).toHaveLength(1);
  });

  test("of 20 who move it from the same revision one wins, again and again, and the history is what the winners saw", async () => {
    const winners: AliasMove[] = [];
    let expectedRevision = 0n;
    for (let round = 0; round < 10; round += 1) {
      const version = ((round + 1) % 3) + 1;
      const calls = Array.from({ length: 20 }, (_, client) =>
        move({ version, expectedRevision, actor: `client ${client}`, reason: `round ${round}` }),
      );
      const settled = await Promise.allSettled(calls);
      const won = settled.flatMap((call) => (call.status === "fulfilled" ? [call.value] : []));
      for (const call of settled) {
        if (call.status === "rejected") expect(call.reason).toMatchObject({ reason: "ALIAS_CONFLICT" });
      }
      expect(won).toHaveLength(1);
      winners.push(...won);
      expectedRevision = won[0]?.revision ?? 0n;
    }
    expect((await history("production", 7)).toReversed()).toEqual(winners);
  });

  test("moves without an expected revision all succeed or change nothing, and follow one another", async () => {
    const moves = await Promise.all(Array.from({ length: 20 }, (_, client) => move({ version: (client % 3) + 1 })));
    const kept = await history("production");
    expect(new Set(moves.map(({ revision }) => revision))).toEqual(new Set(kept.map(({ revision }) => revision)));
    kept.toReversed().reduce((before, { fromVersion, toVersion }) => {
      expect(fromVersion).toBe(before);
      return toVersion;
    }, 0);
  });

  test("the moves of all aliases come newest first, page by page, also of a deleted adapter", async () => {
    const moves = [
      await move({ alias: "b" }),
      await move({ alias: "a", version: 2 }),
      await move({ alias: "b", version: 3 }),
      await move({ alias: "a", version: 0 }),
      await move({ alias: "b", version: 0 }),
    ];
    await deleteAdapter(place.context, 1, "tone");
    expect(await history("", 2)).toEqual(moves.toReversed());
    expect(await history("a", 1)).toEqual([moves[3], moves[1]]);
    await expect(
      listAliasMoves(place.context, 1, { adapter: "no", alias: "", limit: 1, end: undefined }),
    ).rejects.toMatchObject({
      reason: "ADAPTER_NOT_FOUND",
    });
  });

  test("an alias points only at a ready version, and resolves only while it is ready", async () => {
    await expect(move({ version: 9 })).rejects.toMatchObject({ metadata: { version: "tone@9" } });
    const made = await move();
    const reference = { adapter: "tone", alias: "production" };
    expect((await resolveAlias(place.context, 1, reference, "")).name).toBe("tone@1");
    await quarantineVersion(place.context, registryCaller, reference, "odd answers");
    await expect(resolveAlias(place.context, 1, reference, "")).rejects.toMatchObject({
      reason: "VERSION_NOT_SERVABLE",
      metadata: { version: "tone@1", state: "QUARANTINED", problem: "it is quarantined: odd answers" },
    });
    expect(await move(), "nothing moves, so nothing is refused").toEqual(made);
    const other = move({ alias: "other", version: 1 });
    await expect(other).rejects.toMatchObject({ reason: "VERSION_NOT_SERVABLE", metadata: { version: "tone@1" } });
    expect(await aliases()).toMatchObject([{ alias: "production", version: 1 }]);
    await move({ version: 2 });
    expect((await resolveAlias(place.context, 1, reference, "")).name).toBe("tone@2");
    await expect(resolveAlias(place.context, 1, { adapter: "tone", alias: "no" }, "")).rejects.toMatchObject({
      reason: "ALIAS_NOT_FOUND",
    });
  });

  test("adapter_aliases counts all that ever were", async () => {
    for (let number = 1; number < limits.adapter_aliases; number += 1) await move({ alias: `a${number}` });
    await move({ alias: "a1", version: 0 });
    await move({ alias: "last" });
    await expect(move({ alias: "over" })).rejects.toMatchObject({
      reason: "LIMIT_EXCEEDED",
      metadata: { limit: "adapter_aliases", actual: String(limits.adapter_aliases + 1) },
    });
    expect(await aliases()).toHaveLength(limits.adapter_aliases - 1);
    await move({ alias: "a1", version: 3 });
  });
});
