import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import type { SignaturePolicy, TrustedKey } from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { StoredSignaturePolicy } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import type { Revision, StoreReader, TenantId } from "../../store/store.ts";
import { signaturePolicyKey } from "../keys.ts";

/** What signatures need of the registry to be judged. */
export interface PolicyReader {
  readonly store: Pick<StoreReader, "get">;
}

const noPolicy: SignaturePolicy = { required: false, trustedKeys: [] };

/** A policy as it is kept. */
export interface KeptPolicy {
  readonly policy: SignaturePolicy;
  /** Commit that put it last; 0 where nobody did. */
  readonly revision: Revision;
}

/** A tenant's policy, as of a revision where one is given; of a tenant that never put one, nothing is required and nobody is trusted. */
export async function findPolicy(context: PolicyReader, tenant: TenantId, at?: Revision): Promise<KeptPolicy> {
  const entry = await context.store.get(tenant, signaturePolicyKey, at);
  const stored = entry && StoredSignaturePolicy.decode(entry.value);
  return { policy: stored?.policy ?? noPolicy, revision: entry?.revision ?? 0n };
}

/** As `findPolicy`, the policy alone. */
export async function readPolicy(context: PolicyReader, tenant: TenantId, at?: Revision): Promise<SignaturePolicy> {
  return (await findPolicy(context, tenant, at)).policy;
}

/** Whether a policy trusts the key of a signature. */
export function trusts({ trustedKeys }: SignaturePolicy, keyId: string): boolean {
  return trustedKeys.some((key) => key.keyId === keyId);
}

/** A policy as it is kept: keys in their usual form, with their ids. Throws FIELD_INVALID or LIMIT_EXCEEDED. */
export function normalisePolicy({ required, trustedKeys }: SignaturePolicy): SignaturePolicy {
  if (trustedKeys.length > limits.trusted_keys) {
    throw limitExceeded("trusted_keys", trustedKeys.length, "The number of trusted keys");
  }
  const keys = trustedKeys.map((key, index) => normaliseKey(key, `policy.trusted_keys[${index}]`));
  const again = keys.findIndex(({ keyId }, index) => keys.findIndex((key) => key.keyId === keyId) < index);
  if (again >= 0) {
    throw fieldInvalid(`policy.trusted_keys[${again}].public_key`, keys[again]?.keyId ?? "", "each key once");
  }
  return { required, trustedKeys: keys };
}

function normaliseKey({ publicKey, description }: TrustedKey, field: string): TrustedKey {
  const bytes = Buffer.byteLength(description);
  if (bytes > limits.trusted_key_description_bytes) {
    throw limitExceeded("trusted_key_description_bytes", bytes, `${field}.description`);
  }
  const key = readPublicKey(publicKey);
  if (key?.asymmetricKeyType !== "ed25519") {
    throw fieldInvalid(`${field}.public_key`, labelOf(publicKey), "an Ed25519 public key in PEM");
  }
  return { keyId: keyIdOf(key), publicKey: pemOf(key), description };
}

/** What an error shows of a key: never more, it may be a private one. */
function labelOf(pem: string): string {
  return /^\s*(-----BEGIN [A-Z0-9 ]{1,40}-----)/.exec(pem)?.[1] ?? "no PEM";
}

/** Of a text that is no public key undefined: `createPublicKey` alone would also take a private one. */
function readPublicKey(pem: string): KeyObject | undefined {
  if (!/^\s*-----BEGIN PUBLIC KEY-----/.test(pem)) return undefined;
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
}

function keyIdOf(key: KeyObject): string {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest("hex");
}

function pemOf(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }) as string;
}
