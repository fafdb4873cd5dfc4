import { createPublicKey, hash, verify } from "node:crypto";
import type { AdapterVersion, Signature } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type { SignaturePolicy, TrustedKey } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { ArtifactFile } from "../../../proto/gen/loraloop/registry/v1/artifact_service.ts";
import { ServiceError } from "../../kit/errors.ts";
import type { Changes } from "../../store/commit-changes.ts";
import type { Expectation, TenantId } from "../../store/store.ts";
import { signaturePolicyKey } from "../keys.ts";
import { parseBundle, type SignatureBundle, signedBytes } from "./bundle.ts";
import { findPolicy, type KeptPolicy, type PolicyReader, readPolicy, trusts } from "./policy.ts";
import { signatureInvalid } from "./signature-invalid.ts";
import { checkFiles, parseStatement } from "./statement.ts";

/**
 * Checks a bundle (empty for none) against the tenant's policy and an artifact's files: a key that the tenant trusts signed exactly these.
 * Rejects with SIGNATURE_INVALID; SIGNATURE_REQUIRED where there is none and the policy asks for one; LIMIT_EXCEEDED.
 */
export async function checkSignature(
  context: PolicyReader,
  tenant: TenantId,
  files: readonly ArtifactFile[],
  bundleJson: string,
): Promise<Signature | undefined> {
  return judge(await readPolicy(context, tenant), files, bundleJson);
}

/** A signature, and what a commit expects so that it is made under the policy that the signature was checked with. */
export interface ExpectedSignature extends Changes {
  readonly signature: Signature | undefined;
}

/** As `checkSignature`, for a commit. */
export async function expectSignature(
  context: PolicyReader,
  tenant: TenantId,
  files: readonly ArtifactFile[],
  bundleJson: string,
): Promise<ExpectedSignature> {
  const kept = await findPolicy(context, tenant);
  return { signature: judge(kept.policy, files, bundleJson), mutations: [], expectations: [unchanged(kept)] };
}

function unchanged({ revision }: KeptPolicy): Expectation {
  return { key: signaturePolicyKey, revision };
}

function judge(policy: SignaturePolicy, files: readonly ArtifactFile[], bundleJson: string): Signature | undefined {
  if (bundleJson === "") {
    if (policy.required) throw signatureRequired("there is no signature");
    return undefined;
  }
  const bundle = parseBundle(bundleJson);
  const key = signerOf(policy, bundle);
  if (!verify(null, signedBytes(bundle), createPublicKey(key.publicKey), bundle.signature)) {
    throw signatureInvalid("the bundle was changed after it was signed");
  }
  checkFiles(parseStatement(bundle.payload), files);
  return { bundleJson, keyId: key.keyId, trusted: true };
}

function signerOf({ trustedKeys }: SignaturePolicy, { keyHint }: SignatureBundle): TrustedKey {
  const key = trustedKeys.find(({ publicKey }) => hash("sha256", publicKey) === keyHint);
  if (key === undefined) {
    throw signatureInvalid("no key of the tenant's signature policy has the hint that the bundle gives");
  }
  return key;
}

/** Lets a version pass that the tenant's policy lets be resolved or downloaded now. Rejects with SIGNATURE_REQUIRED. */
export async function requireTrusted(context: PolicyReader, tenant: TenantId, version: Signed): Promise<void> {
  judgeTrust(await readPolicy(context, tenant), version);
}

/** As `requireTrusted`; gives what a commit expects so that it is made under the policy that let the version pass. */
export async function expectTrusted(context: PolicyReader, tenant: TenantId, version: Signed): Promise<Expectation> {
  const kept = await findPolicy(context, tenant);
  judgeTrust(kept.policy, version);
  return unchanged(kept);
}

type Signed = Pick<AdapterVersion, "name" | "signature">;

function judgeTrust(policy: SignaturePolicy, { name, signature }: Signed): void {
  if (!policy.required) return;
  if (signature === undefined) throw signatureRequired(`${name} has no signature`);
  if (!trusts(policy, signature.keyId)) {
    throw signatureRequired(`the key that signed ${name} is not trusted any more`, signature.keyId);
  }
}

function signatureRequired(problem: string, key?: string): ServiceError {
  const message = `The signature policy asks for a signature by a trusted key: ${problem}.`;
  return new ServiceError("SIGNATURE_REQUIRED", message, { problem, ...(key !== undefined && { key }) });
}
