/** Every limit of requests. Each has a test at N and at N + 1, and its error (LIMIT_EXCEEDED, FIELD_INVALID or PLAN_INVALID) names it as written here. The store has its own in `store/limits.ts`. */
export const limits = {
  /** Bytes of one gRPC message, both ways. */
  message_bytes: 16 * 1024 * 1024,
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
  /** Epochs of a run. */
  run_epochs: 10_000,
  /** Seconds for which a run whose lease ended still holds its snapshots. */
  lost_run_hold_seconds: 7 * 24 * 3600,
  /** Encoded bytes of a run's environment. */
  run_environment_bytes: 256 * 1024,
  /** Encoded bytes of a run's result. */
  run_result_bytes: 64 * 1024,
  /** UTF-8 bytes of a token's description. */
  token_description_bytes: 256,
  /** Open calls of one connection; others wait in the client. */
  connection_streams: 256,
} as const;

export type LimitName = keyof typeof limits;
