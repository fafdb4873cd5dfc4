import { Status } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { RunServiceDefinition } from "../../proto/gen/loraloop/export/v1/run_service.ts";
import { AdapterServiceDefinition } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { ArtifactServiceDefinition } from "../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { BaseModelServiceDefinition } from "../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { failure } from "../../test/support/failure.ts";
import { type KitServer, startKitServer } from "../../test/support/kit-server.ts";
import { type Call, type Scope, scopes } from "./call.ts";
import { methodScopes } from "./method-scopes.ts";
import { methodPaths } from "./service.ts";

describe("admission of calls", () => {
  let server: KitServer;
  const seen: Call[] = [];

  beforeAll(async () => {
    server = await startKitServer({
      async getDataset(_request, call) {
        seen.push(call);
        return {};
      },
      async *watchSnapshot(_request, call) {
        yield {};
        await aborted(call.signal);
      },
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  const client = (token: string) => server.client(ExportServiceDefinition, token);

  test("every method of every service has a scope", () => {
    const definitions = [
      TokenServiceDefinition,
      CorpusServiceDefinition,
      ExportServiceDefinition,
      RunServiceDefinition,
      BaseModelServiceDefinition,
      ArtifactServiceDefinition,
      AdapterServiceDefinition,
    ];
    expect(Object.keys(methodScopes).sort()).toEqual(definitions.flatMap(methodPaths).sort());
  });

  test.each(methodPaths(ExportServiceDefinition).map((path) => [path.split("/").at(-1) ?? "", methodScopes[path]]))(
    "%s is refused without %s",
    async (name, needed) => {
      const others = scopes.filter((scope) => scope !== needed && scope !== "admin");
      const { secret } = await server.makeToken({ scopes: others });
      const key = `${name[0]?.toLowerCase()}${name.slice(1)}` as keyof typeof ExportServiceDefinition.methods;
      const call = client(secret)[key] as (request: object) => Promise<unknown> | AsyncIterable<unknown>;
      expect(await failure(call({}))).toMatchObject({
        code: Status.PERMISSION_DENIED,
        reason: "SCOPE_MISSING",
        metadata: { scope: needed },
      });
    },
  );

  test.each<Scope>(["export.read", "admin"])("a token with %s is let in, with its tenant", async (scope) => {
    const { id, secret } = await server.makeToken({ tenant: "acme", scopes: [scope] });
    await client(secret).getDataset({});
    expect(seen.at(-1)?.caller).toEqual({
      tenant: 2,
      tenantName: "acme",
      tokenId: id,
      scopes: new Set([scope]),
    });
    expect(seen.at(-1)?.requestId).toMatch(/^[0-9a-f]{16}$/);
  });

  test("a token of the system's tenant reaches tokens only", async () => {
    const { secret } = await server.makeToken({ tenant: "system", scopes: ["admin"] });
    expect(await failure(client(secret).getDataset({}))).toMatchObject({ reason: "SCOPE_MISSING" });
  });

  test("no token, a text that is none, an unknown, another's secret, an expired one", async () => {
    const { id, secret } = await server.makeToken({});
    const expired = await server.makeToken({ expires: 1n });
    const reasons = await Promise.all(
      ["", "nonsense", `ll_${"a".repeat(12)}_${"b".repeat(43)}`, `ll_${id}_${"b".repeat(43)}`, expired.secret].map(
        async (token) => (await failure(client(token).getDataset({}))).reason,
      ),
    );
    expect(reasons).toEqual(["TOKEN_MISSING", "TOKEN_INVALID", "TOKEN_INVALID", "TOKEN_INVALID", "TOKEN_EXPIRED"]);
    await client(secret).getDataset({});
  });

  test("an open stream ends within five seconds after its token is revoked", { timeout: 8_000 }, async () => {
    const { id, secret } = await server.makeToken({ scopes: ["export.read"] });
    const stream = client(secret).watchSnapshot({})[Symbol.asyncIterator]();
    await stream.next();
    await server.revoke(id);
    const revoked = performance.now();
    const rest = { [Symbol.asyncIterator]: () => stream };
    expect(await failure(rest)).toMatchObject({ code: Status.UNAUTHENTICATED, reason: "TOKEN_INVALID" });
    expect(performance.now() - revoked).toBeLessThan(5_000);
  });

  test("an unknown method is UNIMPLEMENTED", async () => {
    const other = server.client(CorpusServiceDefinition, "");
    expect(await failure(other.listCollections({}))).toMatchObject({ code: Status.UNIMPLEMENTED });
  });
});

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}
