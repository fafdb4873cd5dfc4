import { AdapterVersion } from "../../../proto/gen/loraloop/registry/v1/adapter.ts";
import { StoredVersionState } from "../../../proto/gen/loraloop/storage/v1/registry.ts";
import { encoded } from "../../kit/encoded.ts";
import { limitExceeded } from "../../kit/field.ts";
import { limits } from "../../kit/limits.ts";
import { toTimestamp } from "../../kit/timestamp.ts";
import type { Micros } from "../../store/store.ts";
import type { NewVersion } from "../adapters/new-versions.ts";

/** What an imported entry says, as a version to be made. Throws LIMIT_EXCEEDED (`version_bytes`). @param tokenId creator where the document names none */
export function declaredVersion(said: AdapterVersion, tokenId: string, now: Micros): NewVersion {
  const { metrics, metadata, creator } = said;
  const version = {
    ...said,
    creator: creator || tokenId,
    createTime: toTimestamp(now),
    metrics: {},
    metadata: {},
  };
  const bytes = encoded(AdapterVersion, version).length;
  if (bytes > limits.version_bytes) throw limitExceeded("version_bytes", bytes, `The version of ${said.adapter}`);
  const values = Object.entries(metrics).map(([name, value]) => [name, { value, timeMicros: now, step: 0n }]);
  return { version, state: StoredVersionState.create({ metrics: Object.fromEntries(values), metadata }), request: "" };
}
