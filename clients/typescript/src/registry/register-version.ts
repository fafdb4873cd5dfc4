import type { AdapterVersion } from "../../../../proto/gen/loraloop/registry/v1/adapter.ts";
import type {
  DeepPartial,
  RegisterVersionRequest,
} from "../../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import { signFiles } from "../model-signature.ts";
import { untilAnswered } from "../retry.ts";
import { answered } from "./answered.ts";
import { readFolder } from "./folder-files.ts";
import type { RegistryServices } from "./services.ts";
import { type TransferOptions, uploadFiles } from "./upload.ts";

/** What is known of a version beside its files, and how to send them. */
export interface RegisterVersionOptions
  extends Omit<DeepPartial<RegisterVersionRequest>, "adapter" | "files">,
    TransferOptions {
  /** Signs the files' digests with this Ed25519 key (PEM, PKCS #8); `signatureBundleJson` is for signatures that were made elsewhere. */
  readonly privateKey?: string;
}

export async function registerVersion(
  services: Pick<RegistryServices, "adapters" | "artifacts">,
  adapter: string,
  place: string,
  options: RegisterVersionOptions,
): Promise<AdapterVersion> {
  const { privateKey, signal, onProgress, reconnectSeconds = 300, ...said } = options;
  const request = { request: crypto.randomUUID(), ...said, adapter };
  const files = isUri(place)
    ? { files: { $case: "uri", value: place } as const }
    : await sendFolder(services, adapter, place, options);
  const { version } = await untilAnswered(
    reconnectSeconds,
    () => services.adapters.registerVersion({ ...request, ...files }, signal ? { signal } : {}),
    signal,
  );
  return answered(version);
}

/** What the request says of the files. */
async function sendFolder(
  { artifacts }: Pick<RegistryServices, "artifacts">,
  adapter: string,
  folder: string,
  { privateKey, ...transfer }: RegisterVersionOptions,
): Promise<Pick<DeepPartial<RegisterVersionRequest>, "files" | "signatureBundleJson">> {
  const files = await readFolder(folder, { signal: transfer.signal });
  const { digest } = await uploadFiles(artifacts, folder, files, transfer);
  return {
    files: { $case: "artifact", value: digest },
    ...(privateKey !== undefined && { signatureBundleJson: signFiles(adapter, files, privateKey) }),
  };
}

function isUri(place: string): boolean {
  return /^(file|s3):\/\//.test(place);
}
