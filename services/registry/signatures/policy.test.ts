import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { limits } from "../../kit/limits.ts";
import { normalisePolicy } from "./policy.ts";

const newKey = () => generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }) as string;
const trusted = (publicKey: string, description = "") => ({ keyId: "", publicKey, description });
const policyOf = (...keys: ReturnType<typeof trusted>[]) => ({ required: true, trustedKeys: keys });

test("keys are kept in their usual form, with ids that the server computes", () => {
  const pem =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
  const keyId = "06e3fd8fda29bb60ab59557de61edb0aecdb231134be30e75b455f8e1b792fa9";
  const windows = `\n${pem.replaceAll("\n", "\r\n")}`;
  expect(normalisePolicy(policyOf({ keyId: "mine", publicKey: windows, description: "CI" }))).toEqual(
    policyOf({ keyId, publicKey: pem, description: "CI" }),
  );
});

test.each<[string, string]>([
  ["no PEM", "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="],
  ["a damaged key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"],
  ["another kind of key", pemOfEc()],
])("%s is refused", (_, publicKey) => {
  expect(() => normalisePolicy(policyOf(trusted(newKey()), trusted(publicKey)))).toThrow(
    expect.objectContaining({
      reason: "FIELD_INVALID",
      metadata: expect.objectContaining({ field: "policy.trusted_keys[1].public_key" }),
    }),
  );
});

test("a private key is refused, and nothing of it is shown", () => {
  const secret = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  expect(() => normalisePolicy(policyOf(trusted(secret)))).toThrow(
    expect.objectContaining({ metadata: expect.objectContaining({ value: "-----BEGIN PRIVATE KEY-----" }) }),
  );
});

test("the same key twice is refused", () => {
  const key = newKey();
  expect(() => normalisePolicy(policyOf(trusted(key), trusted(newKey()), trusted(key)))).toThrow(
    expect.objectContaining({ metadata: expect.objectContaining({ field: "policy.trusted_keys[2].public_key" }) }),
  );
});

test("trusted_keys", () => {
  const keys = Array.from({ length: limits.trusted_keys }, () => trusted(newKey()));
  expect(normalisePolicy(policyOf(...keys)).trustedKeys).toHaveLength(limits.trusted_keys);
  expect(() => normalisePolicy(policyOf(...keys, trusted(newKey())))).toThrow("trusted_keys");
});

test("trusted_key_description_bytes", () => {
  const longest = "ü".repeat(limits.trusted_key_description_bytes / 2);
  expect(normalisePolicy(policyOf(trusted(newKey(), longest))).trustedKeys[0]?.description).toBe(longest);
  expect(() => normalisePolicy(policyOf(trusted(newKey(), `${longest}x`)))).toThrow("trusted_key_description_bytes");
});

function pemOfEc(): string {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" }) as string;
}
