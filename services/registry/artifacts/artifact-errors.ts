import { ServiceError } from "../../kit/errors.ts";

/** Converts the weights of a folder that was saved without safetensors. */
const conversion = [
  `python -c "import torch; from safetensors.torch import save_file;`,
  `w = torch.load('adapter_model.bin', map_location='cpu', weights_only=True);`,
  `save_file({k: t.contiguous() for k, t in w.items()}, 'adapter_model.safetensors')"`,
].join(" ");

export function artifactNotFound(artifact: string): ServiceError {
  const message = `There is no artifact ${artifact}. Upload its files, or look where they lie.`;
  return new ServiceError("ARTIFACT_NOT_FOUND", message, { artifact });
}

/** An import said nothing of where its files are. */
export function filesNowhere(version: string): ServiceError {
  const message = `Nobody said where the files of ${version} are. Import its document again with base_uri (--base-uri), or register the files.`;
  return new ServiceError("ARTIFACT_NOT_FOUND", message, { artifact: version });
}

export function artifactBeingRemoved(artifact: string): ServiceError {
  const message = `The artifact ${artifact} is being removed; send it again in a minute.`;
  return new ServiceError("CONFLICT", message, { artifact });
}

/** For what is wrong with an upload. @param problem goes on after the path, or is a sentence */
export function artifactInvalid(problem: string, path?: string): ServiceError {
  const message = path === undefined ? problem : `${JSON.stringify(path)} ${problem}.`;
  return new ServiceError("ARTIFACT_INVALID", message, { problem, ...(path !== undefined && { path }) });
}

/** @param remedy a sentence without its full stop */
export function fileForbidden(path: string, problem: string, remedy: string): ServiceError {
  return new ServiceError("ADAPTER_FILE_FORBIDDEN", `${JSON.stringify(path)} ${problem}. ${remedy}.`, {
    path,
    problem,
  });
}

export function pickleForbidden(path: string, problem: string): ServiceError {
  const remedy = `Whatever loads it runs the code in it. Leave the file out; if it holds the weights, convert them: ${conversion}`;
  return fileForbidden(path, problem, remedy);
}

export function fileMissing(path: string): ServiceError {
  const message = `There is no file ${JSON.stringify(path)}. Save the adapter with save_pretrained(), or send the whole folder.`;
  return new ServiceError("ADAPTER_FILE_MISSING", message, { path });
}

/** @param expected what is known of it, e.g. a digest or a length; @param actual what was found */
export function fileChanged(path: string, expected: string, actual: string): ServiceError {
  const message = `${JSON.stringify(path)} is not what it was: ${actual} instead of ${expected}. Restore it, or register the files as a new version.`;
  return new ServiceError("ADAPTER_FILE_CHANGED", message, { path, expected, actual });
}

/** @param cause goes to the log only */
export function storageUnavailable(cause: unknown): ServiceError {
  const message =
    "The files of artifacts cannot be reached now: the disk may be full, or the object storage away. The server's log says which.";
  return new ServiceError("STORE_UNAVAILABLE", message, {}, { cause });
}
