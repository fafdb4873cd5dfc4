import { createClientFactory, Metadata, Status } from "nice-grpc";
import { errorDetailsClientMiddleware } from "nice-grpc-error-details";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { ExportServiceDefinition } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { type KitServer, startKitServer } from "../../../test/support/kit-server.ts";
import type { Caller, Scope } from "../call.ts";
import { tenantNumberKey } from "./keys.ts";
import { findTenant } from "./tenants.ts";
import { tenantHeader } from "./verify-call.ts";

describe("calls for another tenant", () => {
  let server: KitServer;
  const callers: Caller[] = [];

  beforeAll(async () => {
    server = await startKitServer({
      async getDataset(_request, { caller }) {
        callers.push(caller);
        return {};
      },
      async *watchSnapshot(_request, { caller }) {
        callers.push(caller);
        yield {};
      },
    });
    await server.makeToken({ tenant: "acme" });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  function clientFor(secret: string, ...tenants: string[]) {
    const metadata = Metadata({ authorization: `Bearer ${secret}` });
    for (const tenant of tenants) metadata.append(tenantHeader, tenant);
    return createClientFactory()
      .use(errorDetailsClientMiddleware)
      .use((call, options) => call.next(call.request, { ...options, metadata }))
      .create(ExportServiceDefinition, server.channel);
  }

  const service = (scopes: readonly Scope[] = ["tenant.any", "export.read"]) =>
    server.makeToken({ tenant: "system", scopes });

  test("a token of the system's with tenant.any, or admin, calls for the tenant in the header, by unary calls and streams", async () => {
    const { id, secret } = await service();
    const acme = await findTenant(server.parts, "acme");
    const expected = { tenant: acme?.number, tenantName: "acme", tokenId: id };
    await clientFor(secret, "acme").getDataset({});
    expect(callers.at(-1)).toMatchObject(expected);
    await Array.fromAsync(clientFor(secret, "acme").watchSnapshot({}));
    expect(callers.at(-1)).toMatchObject(expected);
    await clientFor((await service(["admin"])).secret, "default").getDataset({});
    expect(callers.at(-1)).toMatchObject({ tenantName: "default" });
  });

  test("it needs the method's scope all the same, and without the header it reaches nobody's data", async () => {
    const { secret } = await service(["tenant.any", "run.read"]);
    const refused = { code: Status.PERMISSION_DENIED, reason: "SCOPE_MISSING", metadata: { scope: "export.read" } };
    expect(await failure(clientFor(secret, "acme").getDataset({}))).toMatchObject(refused);
    expect(await failure(clientFor((await service()).secret).getDataset({}))).toMatchObject(refused);
    expect(await failure(clientFor((await service()).secret, "system").getDataset({}))).toMatchObject(refused);
  });

  test.each<[string, string, Scope[]]>([
    ["the system's without tenant.any", "system", ["export.read"]],
    ["another tenant's with all scopes", "acme", ["admin"]],
    ["another tenant's with tenant.any, for itself", "default", ["tenant.any", "export.read"]],
  ])("a token of %s may not send the header", async (_name, tenant, scopes) => {
    const { secret } = await server.makeToken({ tenant, scopes });
    expect(await failure(clientFor(secret, "default").getDataset({}))).toMatchObject({
      code: Status.PERMISSION_DENIED,
      reason: "SCOPE_MISSING",
      metadata: { scope: "tenant.any" },
    });
  });

  test.each(["nobody", "", "Acme", "x".repeat(2_000)])("the tenant %j is not there, and is not made", async (name) => {
    const { secret } = await service();
    const before = await server.parts.store.get(0, tenantNumberKey);
    expect(await failure(clientFor(secret, name).getDataset({}))).toMatchObject({
      code: Status.NOT_FOUND,
      reason: "TENANT_NOT_FOUND",
      metadata: { tenant: name.slice(0, 256) },
    });
    expect(await server.parts.store.get(0, tenantNumberKey)).toEqual(before);
  });

  test("only the system's tokens may be given tenant.any", async () => {
    const request = { scopes: ["tenant.any", "export.read"] };
    const system = server.client(TokenServiceDefinition, (await service(["admin"])).secret);
    expect((await system.createToken(request)).token).toMatchObject({ tenant: "system", ...request });
    for (const [client, tenant] of [
      [system, "acme"],
      [server.client(TokenServiceDefinition), ""],
    ] as const) {
      expect(await failure(client.createToken({ ...request, tenant }))).toMatchObject({
        reason: "FIELD_INVALID",
        fields: ["scopes"],
      });
    }
  });
});
