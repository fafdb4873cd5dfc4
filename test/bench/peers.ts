import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NotMeasuredError } from "./figure.ts";

/** Another loader of training data, at the fastest settings that were found for it, over the same samples in local files. */
export interface Peer {
  readonly program: string;
  /** As the table calls it. */
  readonly name: string;
  /** What the setup of the bench installs for it; absent where our own Python environment has it. */
  readonly package?: string;
  /** Where its form of the samples lies, below the bench's folder; absent where it reads JSONL. */
  readonly folder?: string;
  readonly order?: "ordered" | "shuffled";
}

const lancedb = { program: "test/bench/peers/lancedb_loop.py", package: "lancedb", folder: "lancedb" } as const;

export const peers = {
  hfJson: { program: "test/bench/peers/hf_json.py", name: 'load_dataset("json", streaming=True)' },
  hfIterable: {
    program: "test/bench/peers/hf_arrow.py",
    name: "datasets, Arrow file, to_iterable_dataset()",
    folder: "arrow",
  },
  litdata: {
    program: "test/bench/peers/litdata_loop.py",
    name: "litdata StreamingDataset, local chunks",
    package: "litdata",
    folder: "litdata",
  },
  lancedb: { ...lancedb, name: "LanceDB StreamingDataset, local table", order: "ordered" },
  lancedbShuffled: { ...lancedb, name: "LanceDB StreamingDataset, shuffled", order: "shuffled" },
  mosaic: {
    program: "test/bench/peers/mosaic_loop.py",
    name: "MosaicML StreamingDataset, local shards",
    package: "mosaic",
    folder: "mosaic",
  },
} as const satisfies Record<string, Peer>;

const environment = "test/bench/.venv";
const stampFile = fileURLToPath(new URL(".venv/loraloop-setup.json", import.meta.url));

/** Throws NotMeasuredError where the setup could not install it. */
export function checkInstalled({ package: name }: Peer): void {
  if (name === undefined) return;
  const installed = existsSync(stampFile)
    ? (JSON.parse(readFileSync(stampFile, "utf8")) as { peers: string[] }).peers
    : [];
  if (!installed.includes(name)) throw new NotMeasuredError(`${name} is not installed in ${environment}`);
}

/** Packages of peers want others than we do: they have an environment of their own. */
export function peerPython({ package: name }: Peer): string {
  return name === undefined ? ".venv" : environment;
}
