import { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  RenderVersionsRequest_Format as Format,
  type RenderVersionsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { encoded } from "../../kit/encoded.ts";
import { ServiceError } from "../../kit/errors.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import type { TenantId } from "../../store/store.ts";
import type { VersionReference } from "../adapters/names.ts";
import { listedVersion, showVersion } from "../adapters/shown-version.ts";
import { getVersion } from "../adapters/stored-versions.ts";
import type { RegistryContext } from "../context.ts";
import { requireTrusted } from "../signatures/check-signature.ts";

export interface RenderVersions {
  /** At least one. */
  readonly references: readonly VersionReference[];
  readonly format: Format;
  readonly pathTemplate: string;
}

/**
 * Writes versions, all as of one revision. Rejects with VERSION_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_SERVABLE, FIELD_INVALID, LIMIT_EXCEEDED
 * (`rendered_version_bytes`, `rendered_bytes`); for vLLM also SIGNATURE_REQUIRED.
 */
export async function renderVersions(
  context: RegistryContext,
  tenant: TenantId,
  command: RenderVersions,
): Promise<RenderVersionsResponse> {
  const { versions, bytes } = await readVersions(context, tenant, command);
  const { format, pathTemplate } = command;
  const judged: AdapterVersion[] = [];
  for (const version of versions) judged.push(await judge(context, tenant, version, format));
  const rendered = await context.documents.render({ versions: judged, format, pathTemplate }, bytes);
  checkBytes("rendered_bytes", Buffer.byteLength(rendered.content), "The rendered document");
  return rendered;
}

/** A version as it is written: where the signature policy refuses it, no engine may serve it, and vLLM's arguments are refused. */
async function judge(
  context: RegistryContext,
  tenant: TenantId,
  version: AdapterVersion,
  format: Format,
): Promise<AdapterVersion> {
  try {
    await requireTrusted(context, tenant, version);
    return version;
  } catch (error) {
    const isRefused = error instanceof ServiceError && error.reason === "SIGNATURE_REQUIRED";
    if (!isRefused || format === Format.FORMAT_VLLM_ARGUMENTS) throw error;
    return { ...version, servability: version.servability.map((one) => ({ ...one, servable: false })) };
  }
}

/** Of several versions without what only formats of one version need; and their bytes, encoded. */
async function readVersions(
  { store }: RegistryContext,
  tenant: TenantId,
  { references }: RenderVersions,
): Promise<{ readonly versions: readonly AdapterVersion[]; readonly bytes: number }> {
  const { revision } = await store.head(tenant);
  const versions: AdapterVersion[] = [];
  let bytes = 0;
  for (const reference of references) {
    const whole = await showVersion(store, tenant, await getVersion(store, tenant, reference, revision));
    const version = references.length === 1 ? whole : { ...listedVersion(whole), declared: whole.declared };
    bytes += encoded(AdapterVersion, version).length;
    checkBytes("rendered_version_bytes", bytes, "The size of the versions together");
    versions.push(version);
  }
  return { versions, bytes };
}

function checkBytes(limit: "rendered_version_bytes" | "rendered_bytes", bytes: number, what: string): void {
  if (bytes > limits[limit]) throw limitExceeded(limit, bytes, what);
}
