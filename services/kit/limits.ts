/** Every limit of requests. Each has a test at N and at N + 1, and its error names it as written here. The store has its own in `store/limits.ts`. */
export const limits = {
  /** Bytes of one gRPC message, both ways. */
  message_bytes: 16 * 1024 * 1024,
  /** Tags, lengths and whole numbers that one message of a request consists of. */
  message_parts: 2 * 1024 * 1024,
  /** UTF-8 bytes of a record id. */
  record_id_bytes: 256,
  /** UTF-8 bytes of a record's JSON. */
  record_bytes: 4 * 1024 * 1024,
  /** Nesting of a record's JSON. */
  record_depth: 64,
  /** UTF-8 bytes of a record's source. */
  source_bytes: 1024,
  /** UTF-8 bytes of a record's subject, and of its group. */
  subject_bytes: 256,
  /** Records of one upsert, delete or ingest chunk. */
  chunk_records: 500,
  /** Bytes of one upsert or ingest chunk of more than one record. */
  chunk_bytes: 4 * 1024 * 1024,
  /** Bytes of such a chunk once its JSON is normalised: numbers may grow, `1e-5` is kept as `0.00001`. */
  chunk_stored_bytes: 7 * 1024 * 1024,
  /** UTF-8 bytes of an ingest id. */
  ingest_id_bytes: 128,
  /** Seconds without a message after which an ingest is abandoned. */
  ingest_idle_seconds: 600,
  /** Entries of a page of a list. */
  page_size: 1000,
  /** UTF-8 bytes of a CEL expression. */
  filter_bytes: 4096,
  /** Elements that a filter's macros (`all`, `exists`, `map`, `filter`) may visit in one record. */
  filter_steps: 2000,
  /** Characters that a filter may read or make in one record; all else that it does counts as the characters that take as long. */
  filter_work: 16 * 1024 * 1024,
  /** Milliseconds after which a page of a list with a filter ends. */
  filter_page_milliseconds: 1000,
  /** Instructions of a regular expression in a filter, and of all in a JSON Schema together. */
  pattern_instructions: 1000,
  /** Characters of a text that a regular expression is tried on. */
  pattern_text_characters: 64 * 1024,
  /** UTF-8 bytes of a JSON Schema. */
  schema_bytes: 64 * 1024,
  /** Nesting of a JSON Schema. */
  schema_depth: 32,
  /** Objects and arrays in a JSON Schema. */
  schema_nodes: 1000,
  /** Milliseconds of processor time for compiling a JSON Schema that somebody sends. */
  schema_milliseconds: 600,
  /** Characters of a sample that is checked against a JSON Schema. */
  schema_sample_characters: 1024 * 1024,
  /** References (`$ref`) that a JSON Schema may follow in one sample. */
  schema_steps: 100_000,
  /** Encoded bytes of a dataset spec. */
  dataset_bytes: 256 * 1024,
  /** Bytes of one sample's line. */
  sample_bytes: 8 * 1024 * 1024,
  /** Samples shown by a preview. */
  preview_samples: 1000,
  /** Records read by a preview. */
  preview_records: 10_000,
  /** Bytes of samples after which a preview ends; clients take answers of 4 MiB unless told otherwise. */
  preview_bytes: 2 * 1024 * 1024,
  /** Bytes of one sample's line that a preview shows; of a longer one the beginning. */
  preview_line_bytes: 1024 * 1024,
  /** Samples of a snapshot with deduplication. */
  deduplicated_samples: 20_000_000,
  /** Bytes of the tables of all builds with deduplication that run at once: 20 to 25 a sample. */
  deduplication_bytes: 512 * 1024 * 1024,
  /** Samples of a plan's global batch. */
  global_batch_samples: 1_048_576,
  /** Sources of a mixture. */
  mixture_sources: 64,
  /** Samples of a block of a mixture whose sources take turns. */
  mixture_block_samples: 2 ** 31,
  /** Entries that one ExplainPlan tells. */
  plan_entries: 1000,
  /** Blocks that one ReadBlocks sends. */
  read_blocks: 64,
  /** Builds that run at once; others wait. */
  concurrent_builds: 4,
  /** Time to live of an unnamed snapshot, in seconds, renewed by reading. */
  stream_snapshot_ttl_seconds: 24 * 3600,
  /** Losses of one ReportLosses, and of a page of ListLosses. */
  call_losses: 65_536,
  /** Metrics of one ReportProgress. */
  call_metrics: 64,
  /** Names of metrics that a run has. */
  run_metrics: 1024,
  /** UTF-8 bytes of a metric's name. */
  metric_name_bytes: 128,
  /** Bytes of the name of who holds snapshots. */
  holder_bytes: 256,
  /** Snapshots of one HoldSnapshots. */
  held_snapshots: 256,
  /** Epochs of a run. */
  run_epochs: 10_000,
  /** Seconds for which a run whose lease ended still holds its snapshots. */
  lost_run_hold_seconds: 7 * 24 * 3600,
  /** Encoded bytes of a run's environment. */
  run_environment_bytes: 256 * 1024,
  /** Encoded bytes of a run's result. */
  run_result_bytes: 64 * 1024,
  /** UTF-8 bytes of a base model's architecture, and of its model type. */
  registry_name_bytes: 128,
  /** UTF-8 bytes of an adapter's description. */
  adapter_description_bytes: 4096,
  /** Aliases of an adapter, removed ones too. */
  adapter_aliases: 256,
  /** Entries of the metadata of an adapter, a version or a base model. */
  metadata_entries: 64,
  /** UTF-8 bytes of a key of such metadata. */
  metadata_key_bytes: 128,
  /** UTF-8 bytes of a value of such metadata. */
  metadata_value_bytes: 4096,
  /** Layers of a base model. */
  base_model_layers: 131_072,
  /** Encoded bytes of all layers of a base model. */
  base_model_layer_bytes: 12 * 1024 * 1024,
  /** UTF-8 bytes of a layer's name. */
  layer_name_bytes: 256,
  /** Other names of a base model. */
  base_model_names: 64,
  /** UTF-8 bytes of such a name, or of any by which a base model is looked for. */
  base_model_other_name_bytes: 512,
  /** UTF-8 bytes of a base model's `config.json`. */
  base_model_configuration_bytes: 256 * 1024,
  /** Files of an artifact; where they are found in a folder, files and empty folders. */
  artifact_files: 1000,
  /** Bytes of a file of an artifact: what S3 takes in one piece. */
  artifact_file_bytes: 5 * 1024 ** 3,
  /** UTF-8 bytes of the path of a file in an artifact. */
  artifact_path_bytes: 512,
  /** Bytes that one message of an upload carries. */
  upload_data_bytes: 1024 * 1024,
  /** Seconds without a message after which an upload is broken off. */
  upload_idle_seconds: 600,
  /** UTF-8 bytes of an artifact's URI. */
  artifact_uri_bytes: 2048,
  /** Bytes of a safetensors header. */
  safetensors_header_bytes: 16 * 1024 * 1024,
  /** Characters of a tensor's name. */
  tensor_name_characters: 1024,
  /** Tensors in the safetensors files of an adapter together. */
  adapter_tensors: 524_288,
  /** UTF-8 bytes of `adapter_config.json`. */
  adapter_configuration_bytes: 1024 * 1024,
  /** Nesting of `adapter_config.json`. */
  adapter_configuration_depth: 16,
  /** Names of modules in `modules_to_save` and in `layers_pattern` of `adapter_config.json`. */
  adapter_module_names: 64,
  /** Bytes of a `tokenizer.json` beside an adapter, where its vocabulary is compared with the base model's. */
  tokenizer_bytes: 64 * 1024 * 1024,
  /** Nesting of such a file. */
  tokenizer_depth: 64,
  /** Tokens of its vocabulary, without those that were added. */
  tokenizer_tokens: 1_048_576,
  /** Rank of an adapter. */
  adapter_rank: 65_536,
  /** What an adapter's matrices are multiplied by in any layer: alpha / rank, with rsLoRA alpha / √rank. The largest number of float16. */
  adapter_scaling: 65_504,
  /** Characters of layer names times instructions of the patterns in an adapter's configuration that are tried on them. */
  adapter_pattern_steps: 200_000_000,
  /** Steps that the patterns in an adapter's configuration may take together of an engine that backtracks, on any name of 200 characters. */
  adapter_backtracking_steps: 500_000_000,
  /** Faults of an adapter that VerifyVersion tells. */
  adapter_problems: 100,
  /** Encoded bytes of a version without its metadata, metrics and signature; with them it still fits into what clients take. */
  version_bytes: 2.5 * 1024 * 1024,
  /** Domains of a version. */
  version_domains: 64,
  /** UTF-8 bytes of a version's task, domain, language, label, source of data or creator. */
  version_text_bytes: 1024,
  /** UTF-8 bytes of an output constraint. */
  constraint_bytes: 64 * 1024,
  /** UTF-8 bytes of serving hints. */
  serving_hints_bytes: 16 * 1024,
  /** UTF-8 bytes of the JSON of a version's training configuration. */
  training_configuration_bytes: 1024 * 1024,
  /** Snapshots that a version was trained on. */
  version_snapshots: 64,
  /** UTF-8 bytes of the reason of a quarantine or of an alias's move. */
  reason_bytes: 1024,
  /** Names of metrics that a version has. */
  version_metrics: 256,
  /** Values of one ReportMetrics. */
  call_metric_values: 1000,
  /** UTF-8 bytes of the source of a metric's value. */
  metric_source_bytes: 256,
  /** Records of each snapshot that one GetLineage tells. */
  lineage_records: 1000,
  /** Parents that one GetLineage tells, the nearest first. */
  lineage_parents: 64,
  /** Children that one GetLineage tells. */
  lineage_children: 1000,
  /** Versions of one RenderVersions. */
  rendered_versions: 1000,
  /** Encoded bytes of the versions of one RenderVersions. */
  rendered_version_bytes: 16 * 1024 * 1024,
  /** UTF-8 bytes of a rendered document. */
  rendered_bytes: 8 * 1024 * 1024,
  /** UTF-8 bytes of an imported document. */
  import_bytes: 4 * 1024 * 1024,
  /** UTF-8 bytes of the metadata of an imported model card. */
  card_metadata_bytes: 64 * 1024,
  /** Nesting of an imported document. */
  import_depth: 64,
  /** Entries of an imported document. */
  import_entries: 1000,
  /** Bytes of all that an import keeps: metrics take more room than in a document. */
  import_stored_bytes: 7 * 1024 * 1024,
  /** UTF-8 bytes of a signature bundle. */
  signature_bundle_bytes: 1024 * 1024,
  /** Keys that a tenant trusts. */
  trusted_keys: 64,
  /** UTF-8 bytes of a trusted key's description. */
  trusted_key_description_bytes: 256,
  /** UTF-8 bytes of a token's description. */
  token_description_bytes: 256,
  /** Open calls of one connection; others wait in the client. */
  connection_streams: 256,
} as const;

export type LimitName = keyof typeof limits;
