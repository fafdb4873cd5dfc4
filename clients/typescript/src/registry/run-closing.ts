import { Status } from "nice-grpc-common";
import { ErrorInfo, RichClientError } from "nice-grpc-error-details";
import type { RunResult } from "../../../../proto/gen/loraloop/export/v1/run_service.ts";
import { LoraloopError, RpcError } from "../errors.ts";
import type { OpenRun } from "../open-run.ts";
import type { RegistryServices } from "./services.ts";

/** What a registration is asked for with, again and again. */
export interface NamedRegistration {
  readonly adapter: string;
  readonly request: string;
}

/** Refuses a run that is closed, unless with the version that this very request made: RpcError with RUN_CONFLICT. */
export async function checkClosable(
  { adapters }: Pick<RegistryServices, "adapters">,
  run: OpenRun,
  registration: NamedRegistration,
): Promise<void> {
  const result = await resultOf(run);
  if (result === undefined) return;
  const { succeeded, adapterVersion, message } = result;
  const ofAdapter = succeeded && adapterVersion.startsWith(`${registration.adapter}@`);
  if (ofAdapter && (await madeVersion(adapters, registration))) return;
  const problem = `is closed with ${adapterVersion || message || "another result"}`;
  const metadata = { run: run.id, problem };
  const info = ErrorInfo.fromPartial({ reason: "RUN_CONFLICT", domain: "loraloop.dev", metadata });
  const text = `Run "${run.id}" ${problem}: nothing was registered. registerVersion with this run still makes a version.`;
  throw new RpcError(new RichClientError("", Status.FAILED_PRECONDITION, text, [info]));
}

/** Ends the run as succeeded; where it cannot be, the error says that the version is there all the same. */
export async function closeWith(run: OpenRun, version: string): Promise<void> {
  try {
    await run.close({ adapterVersion: version });
  } catch (error) {
    if (!(error instanceof LoraloopError)) throw error;
    const { cause } = error;
    const text = `${version} is registered, but its run could not be closed: ${error.message}`;
    if (!(cause instanceof RichClientError)) throw new LoraloopError(text, { cause: error });
    throw new RpcError(new RichClientError(cause.path, cause.code, text, cause.extra));
  }
}

/** None of an open run. A token that may only write runs is told when it closes this one. */
async function resultOf(run: OpenRun): Promise<RunResult | undefined> {
  try {
    return (await run.get()).result;
  } catch (error) {
    if (error instanceof RpcError && error.code === "PERMISSION_DENIED") return undefined;
    throw error;
  }
}

/** Whether the request did: then another one is refused its name, and else its files, which are nowhere. */
async function madeVersion(adapters: RegistryServices["adapters"], registration: NamedRegistration): Promise<boolean> {
  try {
    await adapters.registerVersion({ ...registration, files: { $case: "artifact", value: "0".repeat(64) } });
    return true;
  } catch (error) {
    if (error instanceof RpcError && error.reason === "FIELD_INVALID") return true;
    if (error instanceof RpcError && error.reason === "ARTIFACT_NOT_FOUND") return false;
    throw error;
  }
}
