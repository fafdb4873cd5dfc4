import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { entry, firstA, firstB, header, renamed, type SpoiledCase, weights } from "./case.ts";

/** Headers of safetensors files. */
export const spoiledHeaders: Readonly<Record<string, SpoiledCase>> = {
  "an empty file of weights": { spoil: (adapter) => adapter.text(weights, ""), ...header(/has 0 bytes/) },
  "weights that are cut off": {
    spoil: (adapter) => () => truncate(join(adapter.folder, weights), adapter.file(weights).length - 1),
    ...header(/is cut off/),
  },
  "a header that is cut off": {
    spoil: (adapter) => () => truncate(join(adapter.folder, weights), 100),
    ...header(/its header would have \d+ bytes, the file has 100/),
  },
  "a header of 0 bytes": { spoil: (adapter) => adapter.headerLength(0n), ...header(/would have 0 bytes/) },
  "a header of 2^63 bytes": {
    spoil: (adapter) => adapter.headerLength(2n ** 63n),
    ...header(/would have 9223372036854775808 bytes/),
  },
  "a header of 200 MB": {
    spoil: (adapter) => {
      adapter.headerLength(200_000_000n);
      return () => truncate(join(adapter.folder, weights), 200_000_008);
    },
    ...header(/200000000 bytes; the limit safetensors_header_bytes/),
  },
  "overlapping tensors": {
    spoil: entry({ data_offsets: [60, 124] }, firstB),
    ...header(/overlaps the tensor before it/),
  },
  "a hole between tensors": { spoil: entry({ data_offsets: [68, 132] }, firstB), ...header(/leaves a hole before it/) },
  "bytes that are no tensor's": {
    spoil: (adapter) => {
      const { header: entries, data } = adapter.weights();
      adapter.rawHeader(JSON.stringify(entries), Buffer.concat([data, Buffer.from("#!/bin/sh")]));
    },
    ...header(/has bytes that belong to no tensor/),
  },
  "a tensor twice": {
    spoil: (adapter) => {
      const text = JSON.stringify(adapter.weights().header);
      adapter.rawHeader(`{"${firstA}":{"dtype":"F32","shape":[2,8],"data_offsets":[0,64]},${text.slice(1)}`);
    },
    ...header(/has the key .* twice/),
  },
  "a type twice in a tensor": {
    spoil: (adapter) => {
      const text = JSON.stringify(adapter.weights().header);
      adapter.rawHeader(text.replace('"dtype":"F32"', '"dtype":"F32","dtype":"F32"'));
    },
    ...header(/has the key "dtype" twice/),
  },
  "a type that safetensors has not": { spoil: entry({ dtype: "F128" }), ...header(/dtype that safetensors has not/) },
  "a shape below 0": { spoil: entry({ shape: [-2, 8] }), ...header(/number "-2"/) },
  "a shape of halves": { spoil: entry({ shape: [2.5, 8] }), ...header(/number "2\.5"/) },
  "a shape with an exponent": {
    spoil: (adapter) => adapter.rawHeader(JSON.stringify(adapter.weights().header).replace("[2,8]", "[2e0,8]")),
    ...header(/number "2e0"/),
  },
  "a shape beyond 2^53": { spoil: entry({ shape: [2 ** 40, 2 ** 40] }), ...header(/beyond 2\^53 elements/) },
  "a shape that is none": { spoil: entry({ shape: 16 }), ...header(/no list of lengths/) },
  "a shape of more bytes than there are": { spoil: entry({ shape: [4, 8] }), ...header(/has 64 bytes/) },
  "an end before its beginning": { spoil: entry({ data_offsets: [64, 0] }), ...header(/no beginning and end/) },
  "three offsets": { spoil: entry({ data_offsets: [0, 64, 128] }), ...header(/no beginning and end/) },
  "a tensor with something else": {
    spoil: entry({ code: "…" }),
    ...header(/no object of dtype, shape and data_offsets/),
  },
  "metadata that are no texts": {
    spoil: (adapter) => adapter.header((entries) => ({ ...entries, __metadata__: { format: 1 } })),
    ...header(/__metadata__/),
  },
  "a header that is no object": { spoil: (adapter) => adapter.rawHeader("[]"), ...header(/does not begin with \{/) },
  "a header that is no JSON": { spoil: (adapter) => adapter.rawHeader("{'a':1}"), ...header(/where JSON has none/) },
  "a header that is not UTF-8": {
    spoil: (adapter) => adapter.rawHeader(Buffer.from('{"\xff":{}}', "latin1")),
    ...header(/is not UTF-8/),
  },
  "a header of nested lists": {
    spoil: (adapter) => adapter.rawHeader(`{"a":${"[".repeat(100_000)}`),
    ...header(/is nested deeper than 3/),
  },
  "a tensor with a huge name": {
    spoil: renamed(firstA, "a.".repeat(100_000)),
    ...header(/the limit tensor_name_characters is 1024/),
  },
};
