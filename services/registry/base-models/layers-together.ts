import { isDeepStrictEqual } from "node:util";
import { type Layer, Layer_Kind } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { isParameter } from "../verification/layer-kinds.ts";

/**
 * What is known of a base model's layers once more are given, in any order; undefined where they are another model's. A list with parameters is of the model
 * itself, one without may be of its files, which have each expert of a mixture by itself.
 */
export function layersTogether(known: readonly Layer[], given: readonly Layer[]): readonly Layer[] | undefined {
  const ofModel = known.filter(({ onlyInFiles }) => !onlyInFiles);
  const isOfModel = given.some(isParameter);
  if (isOfModel === known.some(isParameter)) {
    return hasAll(ofModel, given) && hasAll(given, ofModel) ? known : undefined;
  }
  if (isOfModel) return ofModelAndFiles(given, known);
  if (ofModel.length === known.length) return ofModelAndFiles(known, given);
  return hasAll(known, given) ? known : undefined;
}

function ofModelAndFiles(model: readonly Layer[], files: readonly Layer[]): Layer[] | undefined {
  const plain = model.filter((layer) => !isParameter(layer));
  if (!hasAll(files, plain)) return undefined;
  const names = new Set(plain.map(({ name }) => name));
  const others = files.filter(({ name }) => !names.has(name));
  return [...model, ...others.map((layer) => ({ ...layer, onlyInFiles: true }))];
}

function hasAll(layers: readonly Layer[], others: readonly Layer[]): boolean {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  return others.every((layer) => {
    const own = byName.get(layer.name);
    return own !== undefined && isDeepStrictEqual(compared(own), compared(layer));
  });
}

/** Files do not tell the groups of a convolution, and with them its inputs. */
function compared({ kind, inputFeatures, ...layer }: Layer): object {
  return {
    ...layer,
    kind,
    inputFeatures: kind === Layer_Kind.KIND_CONVOLUTION ? 0 : inputFeatures,
    onlyInFiles: false,
  };
}
