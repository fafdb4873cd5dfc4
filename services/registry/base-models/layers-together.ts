import { isDeepStrictEqual } from "node:util";
import type { Layer } from "../../../proto/gen/loraloop/registry/v1/base_model_service.ts";
import { isParameter } from "../verification/layer-kinds.ts";

/**
 * The layers of both lists, in any order, where they may be of one model; else undefined. What both have is alike. Parameters may be in one of them alone, since
 * files do not tell them; and where a list has parameters, the other may have more layers, since files have each expert of a mixture by itself.
 */
export function layersTogether(one: readonly Layer[], other: readonly Layer[]): Layer[] | undefined {
  const [fewer, more] = hasLayers(one, other) ? [other, one] : [one, other];
  const isOfOne = hasLayers(more, fewer) && (hasLayers(fewer, more) || fewer.some(isParameter));
  const together = new Map([...one, ...other].map((layer) => [layer.name, layer]));
  const isAlike = one.every((layer) => isDeepStrictEqual(together.get(layer.name), layer));
  return isOfOne && isAlike ? [...together.values()] : undefined;
}

/** Whether a list has all layers of another that are no parameters. */
function hasLayers(layers: readonly Layer[], others: readonly Layer[]): boolean {
  const names = new Set(layers.map(({ name }) => name));
  return others.every((layer) => isParameter(layer) || names.has(layer.name));
}
