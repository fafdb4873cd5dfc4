import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ChannelCredentials, createChannel } from "nice-grpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ExportServiceDefinition } from "../../proto/gen/loraloop/export/v1/export_service.ts";
import { type Certificate, selfSignedCertificate } from "../../test/support/certificate.ts";
import { failure } from "../../test/support/failure.ts";
import { startKitServer } from "../../test/support/kit-server.ts";
import { createClientWith } from "../../test/support/server.ts";
import { ConfigurationError } from "./configuration-error.ts";

describe("TLS", () => {
  let folder: string;
  let made: Certificate;
  let files: { tls_certificate_file: string; tls_key_file: string };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "loraloop-tls-"));
    made = selfSignedCertificate();
    files = { tls_certificate_file: join(folder, "certificate.pem"), tls_key_file: join(folder, "key.pem") };
    await writeFile(files.tls_certificate_file, made.certificate);
    await writeFile(files.tls_key_file, made.key);
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("a client that trusts the certificate is served, plaintext is not", async () => {
    const methods = { getDataset: async () => ({ dataset: { name: "faq" } }) };
    await using server = await startKitServer(methods, files);
    const { secret } = await server.makeToken();
    const credentials = ChannelCredentials.createSsl(Buffer.from(made.certificate));
    const channel = createChannel(server.service.address.replace("127.0.0.1", "localhost"), credentials);
    const client = createClientWith(ExportServiceDefinition, channel, secret);
    expect(await client.getDataset({})).toMatchObject({ dataset: { name: "faq" } });
    channel.close();
    expect(await failure(server.client(ExportServiceDefinition).getDataset({}))).toMatchObject({ code: 14 });
  });

  test.each([
    ["tls_key_file", { tls_certificate_file: "certificate.pem" }],
    ["tls_certificate_file", { tls_certificate_file: "/nowhere/certificate.pem", tls_key_file: "/nowhere/key.pem" }],
    ["listen_host", { listen_host: "0.0.0.0" }],
  ])("a bad %s is named", async (key, overrides) => {
    await expect(startKitServer({}, overrides)).rejects.toThrow(ConfigurationError);
    await expect(startKitServer({}, overrides)).rejects.toThrow(`"${key}"`);
  });

  test("a key that is none is refused at the start", async () => {
    const overrides = { ...files, tls_key_file: files.tls_certificate_file };
    await expect(startKitServer({}, overrides)).rejects.toThrow(ConfigurationError);
  });

  test("plaintext beyond loopback needs to be allowed", async () => {
    await using server = await startKitServer({}, { listen_host: "0.0.0.0", allow_plaintext: true });
    expect(server.service.address).toMatch(/^0\.0\.0\.0:\d+$/);
  });
});
