import { createHash, createPrivateKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { type FileDigest, signFiles } from "../../../clients/typescript/src/model-signature.ts";
import type { SignaturePolicy } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { StoredSignaturePolicy } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { limits } from "../../kit/limits.ts";
import { checkSignature, requireTrusted } from "./check-signature.ts";
import { normalisePolicy } from "./policy.ts";

interface Vector {
  readonly what: string;
  readonly name: string;
  readonly private_key: string;
  readonly public_key: string;
  readonly key_id: string;
  readonly files: readonly FileDigest[];
  readonly statement: string;
  readonly bundle: string;
}

const vectors: readonly Vector[] = readData("model-signatures.json");

const pair = generateKeyPairSync("ed25519");
const privatePem = pemOf(pair.privateKey);
const publicPem = pemOf(pair.publicKey);
const files = [file("adapter_config.json", "1"), file("adapter_model.safetensors", "2")];

let policy: SignaturePolicy;
beforeEach(() => {
  policy = trusting(publicPem);
});

/** A store that holds only the policy. */
const context = {
  store: { get: async () => ({ key: Buffer.alloc(0), value: encoded(policy), revision: 1n }) },
};

describe.each(vectors)("golden vector: $what", (vector) => {
  test("the client signs byte for byte", () => {
    expect(signFiles(vector.name, vector.files.toReversed(), vector.private_key)).toBe(vector.bundle);
    const { dsseEnvelope } = JSON.parse(vector.bundle);
    expect(Buffer.from(dsseEnvelope.payload, "base64").toString()).toBe(vector.statement);
  });

  test("the registry accepts it", async () => {
    policy = trusting(vector.public_key);
    expect(await check(vector.bundle, vector.files)).toEqual({
      bundleJson: vector.bundle,
      keyId: vector.key_id,
      trusted: true,
    });
  });
});

test("a bundle of the specification's own implementation is accepted", async () => {
  const vector = vectors[1] as Vector;
  policy = trusting(vector.public_key);
  const { bundle } = readData("model-signature-reference.json");
  await expect(check(bundle, vector.files)).resolves.toMatchObject({ keyId: vector.key_id, trusted: true });
  await expect(check(bundle, vector.files.slice(0, -1))).rejects.toMatchObject({ reason: "SIGNATURE_INVALID" });
});

test("files beside a signature: itself and git's own need none, others do", async () => {
  const bundle = signFiles("legal-qa", files, privatePem);
  const own = [".gitattributes", ".git/config", ".github/workflows/ci.yml", ".gitignore", "model.sig"].map((path) =>
    file(path, "9"),
  );
  await expect(check(bundle, [...files, ...own])).resolves.toMatchObject({ trusted: true });
  for (const path of ["model.sig.safetensors", "sub/model.sig", "sub/.git/config", "README.md"]) {
    await expect(check(bundle, [...files, file(path, "9")])).rejects.toMatchObject({
      reason: "SIGNATURE_INVALID",
      metadata: { path },
    });
  }
});

test.each<[string, readonly FileDigest[], string]>([
  [
    "a changed file",
    [file("adapter_config.json", "1"), file("adapter_model.safetensors", "3")],
    "is not the signed one",
  ],
  ["a missing file", files.slice(1), "is not there"],
  [
    "an exchange of two files",
    [file("adapter_config.json", "2"), file("adapter_model.safetensors", "1")],
    "is not the signed one",
  ],
])("%s is refused by name", async (_, present, problem) => {
  await expect(check(signFiles("legal-qa", files, privatePem), present)).rejects.toMatchObject({
    reason: "SIGNATURE_INVALID",
    message: expect.stringContaining(problem),
    metadata: { path: expect.any(String) },
  });
});

test("what a statement wants ignored does not count", async () => {
  const statement = statementOf(signFiles("legal-qa", files, privatePem));
  statement.predicate.serialization.ignore_paths = ["adapter_model.safetensors", "README.md"];
  await expect(check(bundleOf(statement), [...files, file("README.md", "9")])).rejects.toMatchObject({
    metadata: { path: "README.md" },
  });
});

test("a key that the tenant does not trust is refused, also where nothing is required", async () => {
  const bundle = signFiles("legal-qa", files, pemOf(generateKeyPairSync("ed25519").privateKey));
  await expect(check(bundle)).rejects.toMatchObject({
    reason: "SIGNATURE_INVALID",
    message: expect.stringContaining("no key"),
  });
});

test("a bundle that says it is of a trusted key, and is not, is refused", async () => {
  const bundle = JSON.parse(signFiles("legal-qa", files, pemOf(generateKeyPairSync("ed25519").privateKey)));
  bundle.verificationMaterial.publicKey.hint = createHash("sha256").update(publicPem).digest("hex");
  await expect(check(JSON.stringify(bundle))).rejects.toMatchObject({
    message: expect.stringContaining("was changed"),
  });
});

test("a signature of none asked for is none; where the policy asks it is missed", async () => {
  expect(await check("")).toBeUndefined();
  policy = { ...policy, required: true };
  await expect(check("")).rejects.toMatchObject({ reason: "SIGNATURE_REQUIRED" });
});

describe("statements", () => {
  const spoiled: [string, (statement: Statement) => unknown, string][] = [
    ["another type", (statement) => Object.assign(statement, { _type: "https://in-toto.io/Statement/v0.1" }), "_type"],
    [
      "the predicate of version 0.2",
      (statement) => Object.assign(statement, { predicateType: "https://model_signing/Digests/v0.1" }),
      "predicateType",
    ],
    ["two subjects", ({ subject }) => subject.push({ ...subject[0] }), "subject"],
    [
      "another root digest",
      ({ subject }) => Object.assign(subject[0], { digest: { sha256: "0".repeat(64) } }),
      "digest",
    ],
    [
      "shards",
      ({ predicate }) => Object.assign(predicate.serialization, { method: "shards", shard_size: 1 }),
      "serialization.method",
    ],
    [
      "another hash",
      ({ predicate }) => Object.assign(predicate.resources[0], { algorithm: "blake2b" }),
      "resources.0.algorithm",
    ],
    ["a file twice", ({ predicate }) => predicate.resources.push({ ...predicate.resources[0] }), "twice"],
    ["no file", ({ predicate }) => predicate.resources.splice(0), "resources"],
    [
      "a digest in capitals",
      ({ predicate }) => Object.assign(predicate.resources[0], { digest: "A".repeat(64) }),
      "resources.0.digest",
    ],
  ];
  test.each(spoiled)("%s", async (_, spoil, problem) => {
    const statement = statementOf(signFiles("legal-qa", files, privatePem));
    spoil(statement);
    await expect(check(bundleOf(statement))).rejects.toMatchObject({
      reason: "SIGNATURE_INVALID",
      message: expect.stringContaining(problem),
    });
  });

  test("keys that the specification may add are left alone", async () => {
    const statement = statementOf(signFiles("legal-qa", files, privatePem));
    Object.assign(statement.predicate, { later: true });
    Object.assign(statement.predicate.resources[0], { annotations: {} });
    await expect(check(bundleOf(statement))).resolves.toMatchObject({ trusted: true });
  });
});

describe("bundles", () => {
  const good = () => JSON.parse(signFiles("legal-qa", files, privatePem));
  const envelope = (change: object) => ({ ...good(), dsseEnvelope: { ...good().dsseEnvelope, ...change } });
  test.each<[string, () => unknown, string]>([
    ["no object", () => [], "the bundle: expected object"],
    [
      "another version",
      () => ({ ...good(), mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.2" }),
      "mediaType",
    ],
    [
      "a certificate",
      () => ({ ...good(), verificationMaterial: { certificate: { rawBytes: "" } } }),
      "verificationMaterial.publicKey",
    ],
    ["no envelope", () => ({ ...good(), dsseEnvelope: undefined }), "dsseEnvelope"],
    ["another payload type", () => envelope({ payloadType: "application/json" }), "payloadType"],
    ["no signature", () => envelope({ signatures: [] }), "signatures"],
    [
      "two signatures",
      () => envelope({ signatures: [...good().dsseEnvelope.signatures, ...good().dsseEnvelope.signatures] }),
      "signatures",
    ],
    ["no base64", () => envelope({ payload: "e30*" }), "payload: expected base64"],
    ["base64 of another alphabet", () => envelope({ signatures: [{ sig: "_-8=" }] }), "expected base64"],
    ["a short signature", () => envelope({ signatures: [{ sig: "AAAA" }] }), "was changed"],
    ["a changed payload", () => envelope({ payload: Buffer.from("{}").toString("base64") }), "was changed"],
  ])("%s", async (_, bundle, problem) => {
    await expect(check(JSON.stringify(bundle()))).rejects.toMatchObject({
      reason: "SIGNATURE_INVALID",
      message: expect.stringContaining(problem),
    });
  });

  test("no JSON, and a payload that is no UTF-8", async () => {
    await expect(check("{")).rejects.toMatchObject({ message: expect.stringContaining("is no JSON") });
    await expect(check(sealed(Buffer.of(0xff)))).rejects.toMatchObject({
      message: expect.stringContaining("no UTF-8"),
    });
    await expect(check(sealed(Buffer.from("[")))).rejects.toMatchObject({
      message: expect.stringContaining("the statement is no JSON"),
    });
  });

  test("signature_bundle_bytes", async () => {
    const bundle = signFiles("legal-qa", files, privatePem);
    const padded = bundle + " ".repeat(limits.signature_bundle_bytes - bundle.length);
    await expect(check(padded)).resolves.toMatchObject({ trusted: true });
    await expect(check(`${padded} `)).rejects.toMatchObject({
      reason: "LIMIT_EXCEEDED",
      metadata: { limit: "signature_bundle_bytes" },
    });
  });
});

describe("what is resolved or downloaded", () => {
  const keyId = createHash("sha256")
    .update(pair.publicKey.export({ type: "spki", format: "der" }))
    .digest("hex");
  const signature = { bundleJson: "{}", keyId, trusted: false };
  test("needs a signature by a key that is trusted now, where the policy asks for one", async () => {
    await requireTrusted(context, 1, { name: "legal-qa@1", signature: undefined });
    policy = { ...policy, required: true };
    await requireTrusted(context, 1, { name: "legal-qa@1", signature });
    await expect(requireTrusted(context, 1, { name: "legal-qa@1", signature: undefined })).rejects.toMatchObject({
      reason: "SIGNATURE_REQUIRED",
      message: expect.stringContaining("legal-qa@1 has no signature"),
    });
    policy = { required: true, trustedKeys: [] };
    await expect(requireTrusted(context, 1, { name: "legal-qa@1", signature })).rejects.toMatchObject({
      reason: "SIGNATURE_REQUIRED",
      metadata: { key: keyId },
    });
  });
});

// biome-ignore lint/suspicious/noExplicitAny: tests change it in ways that no type allows
type Statement = any;

function readData(file: string) {
  return JSON.parse(readFileSync(new URL(`../../../test/data/${file}`, import.meta.url), "utf8"));
}

function check(bundle: string, present: readonly FileDigest[] = files) {
  return checkSignature(
    context,
    1,
    present.map((one) => ({ ...one, byteCount: 1n })),
    bundle,
  );
}

function file(path: string, digit: string): FileDigest {
  return { path, digest: digit.repeat(64) };
}

function trusting(publicKey: string): SignaturePolicy {
  return normalisePolicy({ required: false, trustedKeys: [{ keyId: "", publicKey, description: "" }] });
}

function encoded(of: SignaturePolicy): Uint8Array {
  return StoredSignaturePolicy.encode({ policy: of, actor: "", updateTimeMicros: 0n }).finish();
}

function statementOf(bundle: string): Statement {
  return JSON.parse(Buffer.from(JSON.parse(bundle).dsseEnvelope.payload, "base64").toString());
}

/** Any statement, signed by the trusted key, with the root digest where the test left it right. */
function bundleOf(statement: Statement): string {
  return sealed(Buffer.from(JSON.stringify(statement)));
}

function sealed(payload: Buffer): string {
  const type = "application/vnd.in-toto+json";
  const encoding = Buffer.concat([Buffer.from(`DSSEv1 28 ${type} ${payload.length} `), payload]);
  const signature = sign(null, encoding, createPrivateKey(privatePem)).toString("base64");
  const bundle = JSON.parse(signFiles("legal-qa", files, privatePem));
  Object.assign(bundle.dsseEnvelope, { payload: payload.toString("base64"), signatures: [{ sig: signature }] });
  return JSON.stringify(bundle);
}

function pemOf(key: KeyObject): string {
  return key.export({ type: key.type === "private" ? "pkcs8" : "spki", format: "pem" }) as string;
}
