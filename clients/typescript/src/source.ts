import type { DeepPartial, SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";

/** What to stream: a dataset's name (`name` or `name@3`), one of its splits, a snapshot, or any source of the proto. */
export type Source =
  | string
  | { readonly dataset: string; readonly split?: string }
  | { readonly snapshot: string }
  | DeepPartial<SampleSource>;

/** The run says what it reads, and in which order. */
export interface RunSource {
  readonly run: string;
}

export function toSource(source: Source): DeepPartial<SampleSource> {
  if (typeof source === "string") return { source: { $case: "dataset", value: source } };
  if ("dataset" in source) return { source: { $case: "dataset", value: source.dataset }, split: source.split ?? "" };
  if ("snapshot" in source) return { source: { $case: "snapshot", value: source.snapshot } };
  return source;
}

/** Whether everybody who asks for it reads the same records. */
export function isPinned(source: Source | RunSource | undefined): boolean {
  if (typeof source !== "object" || "run" in source) return typeof source === "object";
  const { source: which, revision } = toSource(source);
  return which?.$case === "snapshot" || revision !== undefined;
}
