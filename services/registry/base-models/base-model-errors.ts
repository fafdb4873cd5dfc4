import { ServiceError } from "../../kit/errors.ts";
import { shortened } from "../../kit/shortened.ts";

/** No base model of this name, or, with a revision, not this revision of it. */
export function baseModelNotFound(name: string, revision?: string): ServiceError {
  const what = revision === undefined ? "Base model" : `Revision ${JSON.stringify(revision)} of base model`;
  const message = `${what} ${JSON.stringify(shortened(name))} is not registered. Register it (loraloop base-model register), or this name as another name of one that is (--other-name).`;
  return new ServiceError("BASE_MODEL_NOT_FOUND", message, {
    base_model: name,
    ...(revision !== undefined && { revision }),
  });
}

/** It has several revisions, and none was named. */
export function revisionNeeded(name: string, revisions: readonly string[]): ServiceError {
  const message = `Base model ${JSON.stringify(name)} has several revisions and none called main; say which: ${shortened(revisions.join(", "))}.`;
  return new ServiceError("BASE_MODEL_NOT_FOUND", message, { base_model: name, revision: "" });
}

/** @param field what differs, or `other_names` where a name is another model's; @param why a sentence without its full stop */
export function baseModelConflict(name: string, revision: string, field: string, why: string): ServiceError {
  const message = `${why}. Register it under another name or revision.`;
  return new ServiceError("BASE_MODEL_CONFLICT", message, { base_model: name, revision, field });
}

export function baseModelInUse(name: string, revision: string, version: string): ServiceError {
  const message = `Version ${version} is of base model ${JSON.stringify(name)} (${revision}), which therefore stays.`;
  return new ServiceError("BASE_MODEL_IN_USE", message, { base_model: name, revision, version });
}

/** What an adapter's files were verified against is not what is there now. */
export class BaseModelChanged extends ServiceError {
  constructor() {
    super("CONFLICT", "The base model changed while the files were verified; try again.", {});
  }
}
