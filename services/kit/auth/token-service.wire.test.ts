import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Client, Status } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TokenServiceDefinition } from "../../../proto/gen/loraloop/auth/v1/token_service.ts";
import { CorpusServiceDefinition } from "../../../proto/gen/loraloop/corpus/v1/corpus_service.ts";
import { failure } from "../../../test/support/failure.ts";
import { startTestServer, type TestServer } from "../../../test/support/server.ts";

describe("token service", () => {
  let server: TestServer;
  let admin: Client<TokenServiceDefinition>;
  let system: Client<TokenServiceDefinition>;

  beforeAll(async () => {
    server = await startTestServer();
    admin = server.client(TokenServiceDefinition);
    system = server.client(TokenServiceDefinition, server.systemToken);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  test("the first start leaves admin tokens that only the owner can read", async () => {
    const file = join(server.dataDirectory, "token");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, "utf8")).toMatch(/^ll_[a-z2-7]{12}_[A-Za-z0-9_-]{43}\n$/);
  });

  test("a token works from its creation to its revocation, and is listed without its secret", async () => {
    const { token, secret } = await admin.createToken({ description: "of a test", scopes: ["admin", "admin"] });
    expect(token).toMatchObject({ description: "of a test", tenant: "default", scopes: ["admin"] });
    const { tokens } = await server.client(TokenServiceDefinition, secret).listTokens({});
    expect(tokens.map(({ id }) => id)).toContain(token?.id);
    await admin.revokeToken({ id: token?.id ?? "" });
    expect(await failure(server.client(TokenServiceDefinition, secret).listTokens({}))).toMatchObject({
      code: Status.UNAUTHENTICATED,
      reason: "TOKEN_INVALID",
    });
    expect(await admin.revokeToken({ id: token?.id ?? "" })).toEqual({});
    expect((await admin.listTokens({})).tokens.map(({ id }) => id)).not.toContain(token?.id);
  });

  test.each(["", "aaaaaaaaaaaa", "x"])("a token %j that never was cannot be revoked", async (id) => {
    expect(await failure(admin.revokeToken({ id }))).toMatchObject({
      reason: "TOKEN_NOT_FOUND",
      metadata: { token: id },
    });
  });

  test("the system's tenant makes tenants; others see only their own tokens", async () => {
    const { secret } = await system.createToken({ tenant: "acme", scopes: ["admin"] });
    const acme = server.client(TokenServiceDefinition, secret);
    const own = await acme.listTokens({});
    expect(own.tokens.map(({ tenant }) => tenant)).toEqual(["acme"]);
    const { token: stranger } = await admin.createToken({ scopes: ["corpus.read"] });
    expect(await failure(acme.revokeToken({ id: stranger?.id ?? "" }))).toMatchObject({ reason: "TOKEN_NOT_FOUND" });
    await system.revokeToken({ id: stranger?.id ?? "" });
    expect(await failure(acme.revokeToken({ id: stranger?.id ?? "" }))).toMatchObject({ reason: "TOKEN_NOT_FOUND" });
    expect(await failure(acme.createToken({ tenant: "default", scopes: ["admin"] }))).toMatchObject({
      message: expect.stringContaining("/system-token"),
      code: Status.PERMISSION_DENIED,
      reason: "SCOPE_MISSING",
    });
    const tenants = (await system.listTokens({})).tokens.map(({ tenant }) => tenant);
    expect(new Set(tenants)).toEqual(new Set(["acme", "default", "system"]));
  });

  test("calls that make the same tenant at once agree on it", async () => {
    const made = await Promise.all(
      Array.from({ length: 8 }, () => system.createToken({ tenant: "crowd", scopes: ["admin"] })),
    );
    const crowd = server.client(TokenServiceDefinition, made[0]?.secret ?? "");
    expect((await crowd.listTokens({})).tokens).toHaveLength(8);
  });

  test("pages hold every token once; a page token of another tenant is refused", async () => {
    const { secret } = await system.createToken({ tenant: "pages", scopes: ["admin"] });
    const pages = server.client(TokenServiceDefinition, secret);
    for (let made = 1; made < 5; made += 1) await pages.createToken({ scopes: ["corpus.read"] });
    const ids: string[] = [];
    let pageToken = "";
    do {
      const page = await pages.listTokens({ pageSize: 2, pageToken });
      ids.push(...page.tokens.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(ids).toHaveLength(5);
    expect(ids).toEqual([...new Set(ids)].sort());
    const { nextPageToken } = await pages.listTokens({ pageSize: 2 });
    for (const client of [admin, system]) {
      expect(await failure(client.listTokens({ pageToken: nextPageToken }))).toMatchObject({
        code: Status.INVALID_ARGUMENT,
        reason: "PAGE_TOKEN_INVALID",
      });
    }
  });

  test("an ingest that waits ends when its token is revoked", { timeout: 8_000 }, async () => {
    const { token, secret } = await admin.createToken({ scopes: ["corpus.write"] });
    const end = Promise.withResolvers<void>();
    async function* requests() {
      yield { message: { $case: "start" as const, value: { collection: "faq", ingestId: "1" } } };
      await end.promise;
    }
    const answers = server.client(CorpusServiceDefinition, secret).ingestRecords(requests())[Symbol.asyncIterator]();
    await answers.next();
    await admin.revokeToken({ id: token?.id ?? "" });
    expect(await failure(answers.next())).toMatchObject({ code: Status.UNAUTHENTICATED, reason: "TOKEN_INVALID" });
    end.resolve();
  });

  test.each([
    ["scopes", { scopes: [] }],
    ["scopes", { scopes: ["corpus.everything"] }],
    ["tenant", { scopes: ["admin"], tenant: "Not a name" }],
    ["expire_time", { scopes: ["admin"], expireTime: { seconds: 1n, nanos: 0 } }],
    ["expire_time", { scopes: ["admin"], expireTime: { seconds: 1n << 60n, nanos: 0 } }],
  ])("a bad %s is named", async (field, request) => {
    expect(await failure(admin.createToken(request))).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "FIELD_INVALID",
      metadata: { field },
      fields: [field],
    });
  });

  test("a description has at most 256 bytes", async () => {
    await admin.createToken({ description: "é".repeat(128), scopes: ["corpus.read"] });
    expect(await failure(admin.createToken({ description: `${"é".repeat(128)}.`, scopes: ["admin"] }))).toMatchObject({
      code: Status.INVALID_ARGUMENT,
      reason: "LIMIT_EXCEEDED",
      metadata: { limit: "token_description_bytes", maximum: "256", actual: "257" },
    });
  });
});
