import type { DatasetSpec } from "../../../proto/gen/loraloop/export/v1/dataset.ts";
import type { DeepPartial, SampleSource } from "../../../proto/gen/loraloop/export/v1/export_service.ts";
import type { Snapshot } from "../../../proto/gen/loraloop/export/v1/snapshot.ts";
import { type Client, type Header, LoraloopError } from "../../typescript/src/index.ts";
import { toJson } from "../output.ts";
import type { AboutSource } from "./export-index.ts";

export interface Pinned {
  /** Of the split; `train` where the source has none. */
  readonly name: string;
  /** Its whole key. */
  readonly snapshot: string;
}

export interface PinOptions {
  readonly signal: AbortSignal;
  readonly reconnectSeconds: number;
}

/** The snapshots that a source stands for now, all of one revision: one, or, of a dataset with splits of which none is named, one for each. */
export async function pinSource(
  client: Client,
  source: DeepPartial<SampleSource>,
  options: PinOptions,
): Promise<{ readonly about: AboutSource; readonly splits: readonly Pinned[] }> {
  const [firstName, ...otherNames] = await splitNames(client, source);
  const header = await readHeader(client, { ...source, split: firstName ?? "" }, options);
  const { snapshot } = await client.export.getSnapshot({ snapshot: header.snapshot });
  if (snapshot === undefined) throw new LoraloopError(`Snapshot ${header.snapshot} is not there.`);
  const selected = snapshot.spec?.splits?.selected ?? "";
  const splits = [{ name: selected === "" ? "train" : selected, snapshot: snapshot.key }];
  for (const split of otherNames) {
    const { revision, asOf } = header;
    const other = await readHeader(client, { ...source, split, revision, ...(asOf && { asOf }) }, options);
    splits.push({ name: split, snapshot: other.snapshot });
  }
  return { about: aboutOf(snapshot, header), splits };
}

async function splitNames(client: Client, source: DeepPartial<SampleSource>): Promise<string[]> {
  if (source.split !== undefined && source.split !== "") return [source.split];
  const parts = (await specOf(client, source))?.splits?.parts ?? [];
  return parts.length === 0 ? [""] : parts.map(({ name }) => name ?? "");
}

/** Undefined for a snapshot, which is one split or all samples. */
async function specOf(
  client: Client,
  { source }: DeepPartial<SampleSource>,
): Promise<DeepPartial<DatasetSpec> | undefined> {
  if (source?.$case === "spec") return source.value;
  if (source?.$case !== "dataset") return undefined;
  const [name, version] = (source.value ?? "").split("@");
  const { dataset } = await client.export.getDataset({ name: name ?? "", version: Number(version ?? 0) });
  return dataset?.spec;
}

/** Opens a stream for what it says first. */
async function readHeader(
  client: Client,
  source: DeepPartial<SampleSource>,
  { signal, reconnectSeconds }: PinOptions,
): Promise<Header> {
  await using stream = client.stream(source, { signal, reconnectSeconds });
  for await (const _ of stream.batches()) break;
  if (stream.header === undefined) throw new LoraloopError("The stream has no header.");
  return stream.header;
}

function aboutOf(snapshot: Snapshot, { weighted }: Header): AboutSource {
  const spec = { ...snapshot.spec, splits: snapshot.spec?.splits && { ...snapshot.spec.splits, selected: "" } };
  const plain = JSON.parse(toJson({ spec, asOf: snapshot.asOf })) as { spec: object; as_of: string };
  return {
    dataset: snapshot.dataset,
    dataset_version: snapshot.datasetVersion,
    spec: plain.spec,
    revision: Number(snapshot.revision),
    as_of: plain.as_of,
    renderer_version: snapshot.rendererVersion,
    weighted,
  };
}
