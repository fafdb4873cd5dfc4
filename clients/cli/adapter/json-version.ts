import type { AdapterChange, AdapterVersion, BaseModel, GetLineageResponse } from "../../typescript/src/index.ts";
import { layerKindName, methodName, versionStateName } from "./names.ts";
import { servabilityNow } from "./serving.ts";

/** A version with names of state and method, for `printJson`. */
export function jsonVersion(version: AdapterVersion): object {
  const servability = servabilityNow(version);
  return { ...version, servability, state: versionStateName(version), method: methodName(version.method) };
}

/** A base model with the kinds of its layers, for `printJson`. */
export function jsonBaseModel(baseModel: BaseModel): object {
  return { ...baseModel, layers: baseModel.layers.map((layer) => ({ ...layer, kind: layerKindName(layer.kind) })) };
}

/** A base model of a list, which tells neither layers nor configuration, for `printJson`. */
export function jsonListedModel(baseModel: BaseModel): object {
  const { layers: _layers, configurationJson: _configuration, ...listed } = baseModel;
  return listed;
}

export function jsonLineage(lineage: GetLineageResponse): object {
  return {
    ...lineage,
    version: lineage.version && jsonVersion(lineage.version),
    parents: lineage.parents.map(jsonVersion),
    children: lineage.children.map(jsonVersion),
  };
}

export function jsonChange(change: AdapterChange): object {
  return change.$case === "version" ? { $case: "version", value: jsonVersion(change.value) } : change;
}
