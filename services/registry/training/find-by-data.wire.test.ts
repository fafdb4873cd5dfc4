import { expect, test } from "vitest";
import { RegistryPlace, registryCaller } from "../../../test/support/registry-place.ts";
import { startTestServer } from "../../../test/support/server.ts";
import { ExportClient } from "./export-client.ts";
import { findByData } from "./find-by-data.ts";

test("nothing was trained on the data of a tenant that the export service does not know", async () => {
  await using exportServer = await startTestServer();
  await using place = await RegistryPlace.open("memory");
  const access = {
    channel: Promise.resolve(exportServer.channel),
    token: async () => exportServer.systemToken,
    [Symbol.dispose]: () => undefined,
  };
  const context = { ...place.context, exportClient: new ExportClient(access) };
  const origin = { $case: "subject", value: { collection: "", subject: "somebody" } } as const;
  const owner = { ...registryCaller, tenantName: "only-here" };
  expect(await findByData(context, owner, { origin, limit: 10, position: undefined })).toEqual({
    versions: [],
    next: undefined,
  });
});
