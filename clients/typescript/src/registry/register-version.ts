import { createHash } from "node:crypto";
import type { AdapterVersion } from "../../../../proto/gen/loraloop/registry/v1/adapter.ts";
import {
  type DeepPartial,
  RegisterVersionRequest,
} from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { LoraloopError } from "../errors.ts";
import { signFiles } from "../model-signature.ts";
import { untilAnswered } from "../retry.ts";
import { answered } from "./answered.ts";
import { readFolder } from "./folder-files.ts";
import type { RegistryServices } from "./services.ts";
import { trainedBase } from "./trained-base.ts";
import { type TransferOptions, uploadFiles } from "./upload.ts";

/** What is known of a version beside its files, and how to send them. */
export interface RegisterVersionOptions
  extends Omit<DeepPartial<RegisterVersionRequest>, "adapter" | "files">,
    TransferOptions {
  /**
   * Signs the files' digests with this Ed25519 key (PEM, PKCS #8); `signatureBundleJson` is for signatures that were made elsewhere. Files that stay where they are
   * are signed afterwards, with `sign`.
   */
  readonly privateKey?: string;
}

/** What names a request: the same name again gives the same version. Whatever it throws, nothing is registered. */
export type NameRequest = (request: DeepPartial<RegisterVersionRequest>) => string | Promise<string>;

export async function registerVersion(
  services: RegistryServices,
  adapter: string,
  place: string,
  options: RegisterVersionOptions,
  name: NameRequest = ({ request }) => request || crypto.randomUUID(),
): Promise<AdapterVersion> {
  const { privateKey, signal, onProgress, reconnectSeconds = 300, ...said } = options;
  const unnamed = { ...said, adapter, ...(await filesAt(services, adapter, place, options)) };
  // By what was said: what lies on this disk may be gone when the same is asked again.
  const request = { ...unnamed, request: await name({ ...unnamed, baseModel: said.baseModel }) };
  const { version } = await untilAnswered(
    reconnectSeconds,
    () => services.adapters.registerVersion(request, signal ? { signal } : {}),
    signal,
  );
  return answered(version);
}

/** The same for the same request, in any process. */
export function nameByContent(request: DeepPartial<RegisterVersionRequest>): string {
  return createHash("sha256")
    .update(RegisterVersionRequest.encode(RegisterVersionRequest.fromPartial(request)).finish())
    .digest("hex");
}

type Files = Pick<DeepPartial<RegisterVersionRequest>, "files" | "signatureBundleJson" | "baseModel">;

/** What the request says of the files, and of the base model where the options do not. */
function filesAt(
  services: RegistryServices,
  adapter: string,
  place: string,
  options: RegisterVersionOptions,
): Files | Promise<Files> {
  if (!isUri(place)) return sendFolder(services, adapter, place, options);
  if (options.privateKey !== undefined)
    throw new LoraloopError("Files that stay where they are can be signed afterwards, with sign.");
  return { files: { $case: "uri", value: place } };
}

async function sendFolder(
  services: RegistryServices,
  adapter: string,
  folder: string,
  { privateKey, baseModel, ...transfer }: RegisterVersionOptions,
): Promise<Files> {
  const files = await readFolder(folder, { signal: transfer.signal });
  const { digest } = await uploadFiles(services.artifacts, folder, files, transfer);
  return {
    files: { $case: "artifact", value: digest },
    ...(baseModel === undefined && { baseModel: await trainedBase(services, folder, { signal: transfer.signal }) }),
    ...(privateKey !== undefined && { signatureBundleJson: signFiles(adapter, files, privateKey) }),
  };
}

function isUri(place: string): boolean {
  return /^(file|s3):\/\//.test(place);
}
