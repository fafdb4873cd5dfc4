import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClientFactory, Metadata } from "nice-grpc";
import { errorDetailsClientMiddleware } from "nice-grpc-error-details";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { selfSignedCertificate } from "../../../test/support/certificate.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestServer, type TestServer, testConfiguration } from "../../../test/support/server.ts";
import { openExport } from "../../export/service.ts";
import { tenantHeader } from "../../kit/auth/verify-call.ts";
import { ConfigurationError } from "../../kit/configuration-error.ts";
import { startService } from "../../kit/start.ts";
import { systemClock } from "../../store/clock.ts";
import { readRegistryConfiguration } from "../configuration.ts";
import { configuredExport, type ExportAccess, ownExport } from "./export-access.ts";

async function exportsFor(access: ExportAccess, tenant: string) {
  const metadata = Metadata({ authorization: `Bearer ${await access.token()}`, [tenantHeader]: tenant });
  return createClientFactory()
    .use(errorDetailsClientMiddleware)
    .use((call, options) => call.next(call.request, { ...options, metadata }))
    .create(ExportServiceDefinition, await access.channel);
}

function configured(values: Record<string, unknown>): ExportAccess | undefined {
  return configuredExport(readRegistryConfiguration({ values: { data_directory: "/nowhere", ...values } }));
}

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loraloop-access-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("an export service elsewhere", () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer();
    const system = server.client(TokenServiceDefinition, server.systemToken);
    const { secret } = await system.createToken({ scopes: ["tenant.any", "export.read"] });
    await writeFile(join(folder, "token"), `${secret}\n`);
    for (const tenant of ["default", "acme"]) {
      const admin = await system.createToken({ tenant, scopes: ["admin"] });
      const spec = { collection: tenant, format: "text" };
      const fields = { id: "1", fieldsJson: `{"text":"x"}` };
      await server
        .client(CorpusServiceDefinition, admin.secret)
        .upsertRecords({ collection: tenant, records: [fields] });
      await server.client(ExportServiceDefinition, admin.secret).putDataset({ name: `of-${tenant}`, spec });
    }
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("is called for one tenant and for another, which see what is theirs", async () => {
    using access = configured({ export_address: server.address, export_token_file: join(folder, "token") });
    if (access === undefined) throw new Error("There is no access.");
    for (const tenant of ["default", "acme"]) {
      const { datasets } = await (await exportsFor(access, tenant)).listDatasets({});
      expect(datasets.map(({ name }) => name)).toEqual([`of-${tenant}`]);
    }
    expect(await failure((await exportsFor(access, "nobody")).listDatasets({}))).toMatchObject({
      reason: "TENANT_NOT_FOUND",
    });
  });

  test("is there only where it is configured as a whole", () => {
    expect(configured({})).toBeUndefined();
    expect(() => configured({ export_address: "a:1" })).toThrow(ConfigurationError);
    const files = { export_token_file: "/nowhere/token", export_tls_ca_file: "/nowhere/ca.pem" };
    expect(() => configured({ export_address: "a:1", ...files })).toThrow(/"export_tls_ca_file": .*\/nowhere/);
  });
});

describe("the export service of the same process", () => {
  test.each([false, true])("is called through the process's own port; TLS: %s", async (encrypted) => {
    const made = selfSignedCertificate();
    const files = { tls_certificate_file: join(folder, "certificate.pem"), tls_key_file: join(folder, "key.pem") };
    await writeFile(files.tls_certificate_file, made.certificate);
    await writeFile(files.tls_key_file, made.key);
    const configuration = testConfiguration(join(folder, `data-${encrypted}`), encrypted ? files : {});
    const { promise, resolve } = Promise.withResolvers<ExportAccess>();
    await using _service = await startService(configuration, systemClock, (parts, stack, process) => {
      resolve(ownExport(process));
      return openExport(configuration, parts, stack);
    });
    const access = await promise;
    expect((await (await exportsFor(access, "default")).listDatasets({})).datasets).toEqual([]);
    expect(await failure((await exportsFor(access, "nobody")).listDatasets({}))).toMatchObject({
      reason: "TENANT_NOT_FOUND",
    });
    // Deleting datasets is allowed to it, tokens are not its business.
    const tokens = createClientFactory()
      .use(errorDetailsClientMiddleware)
      .create(TokenServiceDefinition, await access.channel);
    const metadata = Metadata({ authorization: `Bearer ${await access.token()}` });
    expect(await failure(tokens.listTokens({}, { metadata }))).toMatchObject({ reason: "SCOPE_MISSING" });
  });

  test("is not waited for where the process does not start", async () => {
    const configuration = testConfiguration(join(folder, "failing"));
    const { promise, resolve } = Promise.withResolvers<ExportAccess>();
    const starting = startService(configuration, systemClock, async (_parts, _stack, process) => {
      resolve(ownExport(process));
      throw new Error("It breaks off.");
    });
    await expect(starting).rejects.toThrow("It breaks off.");
    await expect((await promise).channel).rejects.toThrow("did not start");
  });
});
