import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type AdapterVersion,
  Method,
  PeftConfiguration,
  AdapterVersion_State as State,
} from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { ListVersionsResponse } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { storeKinds } from "../../../test/support/stores.ts";
import type { Call } from "../../kit/call.ts";
import { limits } from "../../kit/limits.ts";
import { deleteAdapter } from "../commands/delete-adapter.ts";
import { deleteVersion } from "../commands/delete-version.ts";
import { listAdapters as listAdaptersCommand } from "../commands/list-adapters.ts";
import { listMetrics } from "../commands/list-metrics.ts";
import { listVersions as listVersionsCommand } from "../commands/list-versions.ts";
import { moveAlias } from "../commands/move-alias.ts";
import { putAdapter } from "../commands/put-adapter.ts";
import { reportMetrics } from "../commands/report-metrics.ts";
import { listAdapters } from "../handlers/list-adapters.ts";
import { listVersions } from "../handlers/list-versions.ts";
import type { VersionName } from "../keys.ts";

const call = { caller: registryCaller } as Call;
const all = { filter: "", pageSize: 0, pageToken: "", includeDeleted: false };

describe.each(storeKinds)("lists in %s", (kind) => {
  let place: RegistryPlace;

  beforeEach(async () => {
    place = await RegistryPlace.open(kind);
  });
  afterEach(() => place[Symbol.asyncDispose]());

  const versionsPage = (changes = {}) => listVersions(place.context)({ adapter: "", ...all, ...changes }, call);
  const adaptersPage = (changes = {}) => listAdapters(place.context)({ ...all, ...changes }, call);
  const namesIn = (versions: readonly AdapterVersion[]) => versions.map(({ name }) => name);
  const measure = (name: VersionName, metric: string, value: number, timeMicros: bigint, step = 0n, source = "") =>
    reportMetrics(place.context, 1, name, [{ metric, value, timeMicros, step, source }]);

  async function allVersions(changes = {}): Promise<AdapterVersion[]> {
    const found: AdapterVersion[] = [];
    let pageToken = "";
    do {
      const page = await versionsPage({ ...changes, pageToken });
      found.push(...page.versions);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  }

  test("versions come by adapter and number, adapters by name, page by page, all as of one revision", async () => {
    for (const adapter of ["legal-qa", "legal", "legal.eu", "a"]) {
      for (let version = 1; version <= 3; version += 1) await place.makeVersion(adapter);
    }
    const adapters = ["a", "legal", "legal-qa", "legal.eu"];
    const expected = adapters.flatMap((adapter) => [1, 2, 3].map((version) => `${adapter}@${version}`));
    expect(namesIn(await allVersions())).toEqual(expected);
    const { adapters: listed, revision } = await adaptersPage();
    expect(listed.map(({ name }) => name)).toEqual(adapters);
    const first = await versionsPage({ pageSize: 5 });
    expect(first.revision).toBe(revision);
    await place.makeVersion("b");
    await deleteVersion(place.context, registryCaller, { adapter: "legal.eu", version: 3 });
    const second = await versionsPage({ pageSize: 100, pageToken: first.nextPageToken });
    expect(namesIn([...first.versions, ...second.versions])).toEqual(expected);
    expect(second).toMatchObject({ revision, nextPageToken: "" });
    expect(namesIn(await allVersions({ pageSize: 2, adapter: "legal" }))).toEqual(["legal@1", "legal@2", "legal@3"]);
    const other = versionsPage({ adapter: "a", pageToken: first.nextPageToken });
    await expect(other).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
    await expect(versionsPage({ adapter: "never" })).rejects.toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
  });

  test("a page whose filter is slow ends after filter_page_milliseconds, and the next goes on", async () => {
    for (const adapter of ["a", "b", "c"]) await place.makeVersion(adapter);
    const at = (await versionsPage()).revision;
    const slow = slowFilter(limits.filter_page_milliseconds + 1);
    try {
      const list = { at, start: undefined, includeDeleted: false, limit: 100, adapter: "", matches: slow.matches };
      const page = await listVersionsCommand(place.context, 1, list);
      expect(namesIn(page.versions)).toEqual(["a@1"]);
      const next = await listVersionsCommand(place.context, 1, { ...list, start: page.next });
      expect(namesIn(next.versions)).toEqual(["b@1"]);
      const { adapters, next: rest } = await listAdaptersCommand(place.context, 1, list);
      expect([adapters.map(({ name }) => name), rest === undefined]).toEqual([["a"], false]);
      const whole = await listAdaptersCommand(place.context, 1, { ...list, matches: undefined });
      expect([whole.adapters.length, whole.next]).toEqual([3, undefined]);
    } finally {
      slow.end();
    }
  });

  test("deleted ones are listed where they are asked for", async () => {
    for (const adapter of ["a", "b"]) {
      await place.makeVersion(adapter);
      await place.makeVersion(adapter);
    }
    await deleteVersion(place.context, registryCaller, { adapter: "a", version: 1 });
    await deleteAdapter(place.context, 1, "b");
    expect(namesIn(await allVersions())).toEqual(["a@2"]);
    const deleted = await allVersions({ includeDeleted: true });
    expect(deleted.map(({ name, state }) => [name, state])).toEqual([
      ["a@1", State.STATE_DELETED],
      ["a@2", State.STATE_READY],
      ["b@1", State.STATE_DELETED],
      ["b@2", State.STATE_DELETED],
    ]);
    expect((await adaptersPage()).adapters.map(({ name }) => name)).toEqual(["a"]);
    expect((await adaptersPage({ includeDeleted: true })).adapters.map(({ name }) => name)).toEqual(["a", "b"]);
    await expect(versionsPage({ adapter: "b" })).rejects.toMatchObject({ reason: "ADAPTER_NOT_FOUND" });
  });

  test("a filter finds versions by what they are, and pages go on where it stopped", async () => {
    for (let number = 1; number <= 30; number += 1) {
      const name = await place.makeVersion("tone", {
        domains: number % 2 === 0 ? ["legal", "tax"] : ["medical"],
        method: number % 3 === 0 ? Method.METHOD_DORA : Method.METHOD_LORA,
        peft: PeftConfiguration.create({ r: number, maximumRank: number, layers: ["l"], configurationJson: "{}" }),
        metadata: { team: number < 10 ? "a" : "b" },
      });
      if (number % 5 === 0) await measure(name, "eval_loss", number / 10, 1n);
    }
    const numbers = async (filter: string) =>
      (await allVersions({ filter, pageSize: 3 })).map(({ version }) => version);
    const legal = '"legal" in version.domains && version.peft.maximum_rank <= 16 && version.metrics["eval_loss"] < 1.2';
    expect(await numbers(legal)).toEqual([10]);
    expect(await numbers('version.metrics["eval_loss"] >= 2')).toEqual([20, 25, 30]);
    expect(await numbers('version.state == "READY" && version.method == "DORA" && version.version < 10')).toEqual([
      3, 6, 9,
    ]);
    expect(
      await numbers('version.metadata.team == "a" && version.create_time > timestamp("2020-01-01T00:00:00Z")'),
    ).toHaveLength(9);
    expect(await numbers("!has(version.quantization) && version.peft.target_modules.size() >= 0")).toHaveLength(30);
    expect(await numbers('version.metrics["never"] < 1')).toEqual([]);
  });

  test.each(["adapter.name == 'a'", "version.nothing == 1", "version.peft.layers.size() > 0"])(
    "%s is refused",
    async (filter) => {
      const refused = { reason: "FILTER_INVALID", metadata: { field: "filter" } };
      await expect(versionsPage({ filter })).rejects.toMatchObject(refused);
    },
  );

  test("a filter finds adapters, also by their aliases", async () => {
    for (const adapter of ["a", "b", "c"]) {
      const metadata = { team: adapter === "c" ? "x" : "legal" };
      await putAdapter(place.context, registryCaller, {
        adapter,
        description: "",
        metadata,
        expectedRevision: undefined,
      });
      await place.makeVersion(adapter);
    }
    await moveAlias(place.context, 1, {
      adapter: "b",
      alias: "production",
      version: 1,
      expectedRevision: 0n,
      reason: "",
      actor: "",
    });
    const found = async (filter: string) => (await adaptersPage({ filter })).adapters.map(({ name }) => name);
    expect(await found('adapter.metadata["team"] == "legal"')).toEqual(["a", "b"]);
    expect(await found('adapter.aliases.exists(one, one.alias == "production" && one.version == 1)')).toEqual(["b"]);
    expect(await found("adapter.latest_version > 1")).toEqual([]);
  });

  test("an answer fits into what clients take, however large its versions are", async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: limits.metadata_entries }, (_, number) => [
        `key${number}`,
        "x".repeat(limits.metadata_value_bytes),
      ]),
    );
    for (let version = 0; version < 20; version += 1) await place.makeVersion("large", { metadata });
    const page = await versionsPage();
    expect(ListVersionsResponse.encode(page).finish().length).toBeLessThan(4 * 1024 * 1024);
    expect(page.versions.length).toBeLessThan(20);
    expect(page.nextPageToken).not.toBe("");
    expect(await allVersions()).toHaveLength(20);
  });

  test("values of a metric are kept by time, step and source; the newest is the version's", async () => {
    const name = await place.makeVersion("tone");
    await measure(name, "loss", 3, 10n, 1n);
    await measure(name, "loss", 1, 30n, 3n);
    expect((await measure(name, "loss", 2, 20n, 9n)).metrics).toEqual({ loss: 1 });
    expect((await measure(name, "loss", 0.5, 30n, 3n)).metrics).toEqual({ loss: 0.5 });
    await measure(name, "loss", 0.7, 30n, 2n, "test");
    await measure(name, "loss_of_words", 8, 1n);
    const list = { reference: name, start: undefined, at: (await place.store.head(1)).revision };
    const { values } = await listMetrics(place.context, 1, { ...list, metric: "loss", limit: 1000 });
    expect(values.map(({ value, step, source }) => [value, step, source])).toEqual([
      [3, 1n, ""],
      [2, 9n, ""],
      [0.7, 2n, "test"],
      [0.5, 3n, ""],
    ]);
    const page = await listMetrics(place.context, 1, { ...list, metric: "", limit: 4 });
    const rest = await listMetrics(place.context, 1, { ...list, start: page.next, metric: "", limit: 4 });
    expect(rest.values.map(({ metric }) => metric)).toEqual(["loss_of_words"]);
  });

  test("version_metrics counts names", async () => {
    const name = await place.makeVersion("tone");
    const values = Array.from({ length: limits.version_metrics }, (_, number) => ({
      ...{ metric: `m${number}`, value: number, timeMicros: 1n, step: 0n, source: "" },
    }));
    await reportMetrics(place.context, 1, name, values);
    await expect(measure(name, "one_more", 1, 1n)).rejects.toMatchObject({
      reason: "LIMIT_EXCEEDED",
      metadata: { limit: "version_metrics" },
    });
    expect(Object.keys((await measure(name, "m0", 7, 2n)).metrics)).toHaveLength(limits.version_metrics);
  });
});

/** A filter that matches all and takes so long for each, by the clock alone. */
function slowFilter(milliseconds: number): { matches(): boolean; end(): void } {
  const now = performance.now.bind(performance);
  let taken = 0;
  const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + taken);
  const matches = () => {
    taken += milliseconds;
    return true;
  };
  return { matches, end: () => clock.mockRestore() };
}
