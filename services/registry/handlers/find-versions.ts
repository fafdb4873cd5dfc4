import type {
  FindVersionsRequest,
  FindVersionsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { checkScope } from "../../kit/check-scope.ts";
import { fieldInvalid } from "../../kit/field.ts";
import { pageSize } from "../../kit/page-token.ts";
import { findVersions as command } from "../commands/find-versions.ts";
import type { RegistryContext } from "../context.ts";

type Handler = (request: FindVersionsRequest, call: Call) => Promise<FindVersionsResponse>;

export function findVersions(context: RegistryContext): Handler {
  return async ({ origin, pageToken, ...request }, { caller, signal }) => {
    if (origin === undefined) throw fieldInvalid("origin", "", "what the versions came from");
    if (origin.$case === "record" || origin.$case === "subject") {
      checkScope(caller, "export.read", `, needed to find versions by ${origin.$case}`);
    }
    const scope = { tenant: caller.tenant, method: "FindVersions", fields: [JSON.stringify(origin)] };
    const position = context.pageTokens.read(scope, pageToken);
    const list = { origin, limit: pageSize(request.pageSize), position };
    const { versions, next } = await command(
      { ...context, exportClient: context.exportClient.until(signal) },
      caller,
      list,
    );
    return { versions, nextPageToken: next === undefined ? "" : context.pageTokens.make(scope, next) };
  };
}
