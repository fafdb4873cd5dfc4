import type { SpoiledCase } from "./case.ts";
import { spoiledConfigurations } from "./configurations.ts";
import { spoiledFiles } from "./files.ts";
import { spoiledHeaders } from "./headers.ts";
import { spoiledTensors } from "./tensors.ts";
import { spoiledTokenizers } from "./tokenizers.ts";

/** All ways to spoil an adapter, by what is wrong. */
export const spoiledCases: Readonly<Record<string, SpoiledCase>> = {
  ...spoiledFiles,
  ...spoiledHeaders,
  ...spoiledConfigurations,
  ...spoiledTensors,
  ...spoiledTokenizers,
};
