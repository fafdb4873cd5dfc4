import { expect, test } from "vitest";
import { registryClients } from "../../test/support/registry-calls.ts";
import { startTestRegistry } from "../../test/support/registry-server.ts";

const doubled = (times: number) => `["abcdefgh"]${".map(a,a+a)".repeat(times)}`;

test.each([
  `${doubled(23)}.exists(b, b.size() == 1)`,
  `${doubled(25)}.exists(b, ["1","2","3","4","5","6","7","8","9"].map(c, b + c).exists(d, d.size() == 1))`,
])("a filter that only makes long texts is refused, and the service goes on: %s", async (filter) => {
  await using server = await startTestRegistry();
  const { adapters } = registryClients(server, server.token);
  await expect(adapters.listVersions({ filter })).rejects.toThrow("does more work than filter_work (16777216) allows");
  await expect(adapters.listAdapters({ filter })).rejects.toThrow("filter_work");
  expect((await adapters.listVersions({})).versions).toEqual([]);
});
