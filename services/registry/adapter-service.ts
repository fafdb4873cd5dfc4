import type { AdapterServiceImplementation } from "../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { CallExtension } from "../kit/call.ts";
import type { RegistryContext } from "./context.ts";
import { deleteAdapter } from "./handlers/delete-adapter.ts";
import { deleteVersion } from "./handlers/delete-version.ts";
import { findVersions } from "./handlers/find-versions.ts";
import { getAdapter } from "./handlers/get-adapter.ts";
import { getLineage } from "./handlers/get-lineage.ts";
import { getSignaturePolicy } from "./handlers/get-signature-policy.ts";
import { getVersion } from "./handlers/get-version.ts";
import { importVersions } from "./handlers/import-versions.ts";
import { listAdapters } from "./handlers/list-adapters.ts";
import { listAliasMoves } from "./handlers/list-alias-moves.ts";
import { listMetrics } from "./handlers/list-metrics.ts";
import { listVersions } from "./handlers/list-versions.ts";
import { moveAlias } from "./handlers/move-alias.ts";
import { putAdapter } from "./handlers/put-adapter.ts";
import { putSignaturePolicy } from "./handlers/put-signature-policy.ts";
import { putVersionMetadata } from "./handlers/put-version-metadata.ts";
import { quarantineVersion } from "./handlers/quarantine-version.ts";
import { registerVersion } from "./handlers/register-version.ts";
import { releaseVersion } from "./handlers/release-version.ts";
import { renderVersions } from "./handlers/render-versions.ts";
import { reportMetrics } from "./handlers/report-metrics.ts";
import { resolveAlias } from "./handlers/resolve-alias.ts";
import { restoreAdapter } from "./handlers/restore-adapter.ts";
import { restoreVersion } from "./handlers/restore-version.ts";
import { signVersion } from "./handlers/sign-version.ts";
import { verifyVersion } from "./handlers/verify-version.ts";
import { watchAdapters } from "./handlers/watch-adapters.ts";

/** Every method of `AdapterService` with its handler. */
export function adapterService(context: RegistryContext): AdapterServiceImplementation<CallExtension> {
  return {
    putAdapter: putAdapter(context),
    getAdapter: getAdapter(context),
    listAdapters: listAdapters(context),
    deleteAdapter: deleteAdapter(context),
    restoreAdapter: restoreAdapter(context),
    registerVersion: registerVersion(context),
    getVersion: getVersion(context),
    listVersions: listVersions(context),
    putVersionMetadata: putVersionMetadata(context),
    verifyVersion: verifyVersion(context),
    quarantineVersion: quarantineVersion(context),
    releaseVersion: releaseVersion(context),
    deleteVersion: deleteVersion(context),
    restoreVersion: restoreVersion(context),
    signVersion: signVersion(context),
    moveAlias: moveAlias(context),
    resolveAlias: resolveAlias(context),
    listAliasMoves: listAliasMoves(context),
    reportMetrics: reportMetrics(context),
    listMetrics: listMetrics(context),
    getLineage: getLineage(context),
    findVersions: findVersions(context),
    watchAdapters: watchAdapters(context),
    renderVersions: renderVersions(context),
    importVersions: importVersions(context),
    getSignaturePolicy: getSignaturePolicy(context),
    putSignaturePolicy: putSignaturePolicy(context),
  };
}
