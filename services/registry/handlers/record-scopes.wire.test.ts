import { Status } from "nice-grpc";
import { expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import {
  AdapterServiceDefinition,
  type FindVersionsRequest,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { trainingsTogether } from "../../../test/support/trainings.ts";

const whose = { collection: "secrets", record: "a", subject: "person" };

const byRecord: FindVersionsRequest["origin"][] = [
  { $case: "record", value: whose },
  { $case: "subject", value: whose },
];

test("records and subjects are told to tokens that may read them at the export service", async () => {
  await using place = await trainingsTogether();
  const records = [{ id: "a", fieldsJson: '{"text":"a"}', subject: "person" }];
  await place.corpus.upsertRecords({ collection: "secrets", records });
  const spec = { collection: "secrets", format: "text" };
  const opened = await place.runs.openRun({ run: "r", source: { source: { $case: "spec", value: spec } }, lease: "l" });
  await place.register("trained", { run: "r" });
  const tokens = place.exportServer.client(TokenServiceDefinition);
  const clientOf = async (...scopes: string[]) =>
    place.exportServer.client(AdapterServiceDefinition, (await tokens.createToken({ scopes })).secret);
  const [server, reader] = [await clientOf("registry.read"), await clientOf("registry.read", "export.read")];

  const refused = { code: Status.PERMISSION_DENIED, reason: "SCOPE_MISSING", metadata: { scope: "export.read" } };
  const version = "trained@1";
  expect(await failure(server.getLineage({ version, records: 1 }))).toMatchObject(refused);
  expect((await server.getLineage({ version })).snapshots).toMatchObject([{ records: [] }]);
  expect((await reader.getLineage({ version, records: 1 })).snapshots).toMatchObject([
    { records: [{ record: "a", subject: "person" }] },
  ]);
  for (const origin of byRecord) {
    expect(await failure(server.findVersions({ origin }))).toMatchObject(refused);
    expect((await reader.findVersions({ origin })).versions).toMatchObject([{ name: version }]);
  }
  for (const origin of [
    { $case: "run" as const, value: "r" },
    { $case: "snapshot" as const, value: opened.run?.sources[0]?.snapshot ?? "" },
  ]) {
    expect((await server.findVersions({ origin })).versions).toMatchObject([{ name: version }]);
  }
});
