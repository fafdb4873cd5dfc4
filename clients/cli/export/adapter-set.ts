import type { ExportIndex } from "./export-index.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * What is known of the adapter: the dataset's `adapter_metadata` with all its keys, `training_config` and `vllm_config` under the names that trainers
 * read (`training`, `vllm`), the true number of samples, and under `loraloop` what they are.
 */
export function adapterMetadata(index: ExportIndex): Json {
  const { training_config, vllm_config, training, vllm, ...others } = metadataOf(index);
  const serving = { ...(vllm_config as object), ...(vllm as object) };
  return {
    ...others,
    training: {
      ...(index.dataset !== "" && { dataset_name: index.dataset }),
      ...(training_config as object),
      ...(training as object),
      num_samples: index.splits[0]?.samples ?? 0,
    },
    ...(Object.keys(serving).length > 0 && { vllm: serving }),
    loraloop: sourceOf(index),
  };
}

function metadataOf({ spec }: ExportIndex): Json {
  return ((spec as Json)["adapter_metadata"] ?? {}) as Json;
}

function sourceOf(index: ExportIndex): Json {
  const [split] = index.splits;
  return {
    dataset: index.dataset,
    dataset_version: index.dataset_version,
    split: split?.name,
    snapshot: split?.snapshot,
    digest: split?.digest,
    revision: index.revision,
    as_of: index.as_of,
    sha256: split?.shards[0]?.sha256,
  };
}

interface SchemaCounts {
  readonly exported_entities: number;
  readonly statistics: {
    readonly schema_invalid_kept_count: number;
    readonly rejects: readonly { readonly reason: string; readonly count: number }[];
  };
}

/** The snapshot's statistics with the errors, and how many of the samples that were checked fit the schema, where there is one. */
export function qualityReport(index: ExportIndex, statistics: object): Json {
  const hasSchema = "schema_validation" in index.spec;
  return {
    loraloop: sourceOf(index),
    ...(hasSchema && { schema_compliance: complianceOf(statistics as SchemaCounts) }),
    ...statistics,
  };
}

function complianceOf({ exported_entities: exported, statistics }: SchemaCounts): Json {
  const rejected = statistics.rejects.find(({ reason }) => reason === "SCHEMA_INVALID")?.count ?? 0;
  const checked = exported + rejected;
  const invalid = statistics.schema_invalid_kept_count + rejected;
  return { checked, invalid, rate: checked === 0 ? null : (checked - invalid) / checked };
}
