import type {
  RenderVersionsRequest,
  RenderVersionsResponse,
} from "../../../proto/gen/loraloop/registry/v1/adapter_service.ts";
import type { Call } from "../../kit/call.ts";
import { fieldInvalid, limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { parseVersionReference } from "../adapters/names.ts";
import { renderVersions as command } from "../commands/render-versions.ts";
import type { RegistryContext } from "../context.ts";
import { checkPathTemplate } from "../interchange/version-path.ts";

type Handler = (request: RenderVersionsRequest, call: Call) => Promise<RenderVersionsResponse>;

export function renderVersions(context: RegistryContext): Handler {
  return async ({ versions, format, pathTemplate }, { caller }) => {
    if (versions.length === 0) throw fieldInvalid("versions", "", "at least one version");
    if (versions.length > limits.rendered_versions) {
      throw limitExceeded("rendered_versions", versions.length, "The number of versions");
    }
    const references = versions.map((version, index) => parseVersionReference(version, `versions[${index}]`));
    checkPathTemplate(pathTemplate);
    return command(context, caller.tenant, { references, format, pathTemplate });
  };
}
