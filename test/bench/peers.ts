import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NotMeasuredError } from "./figure.ts";

/** What others have, at the fastest settings that were found for it: a loader of training data over the same samples in local files, or a registry. */
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
  mlflow: {
    program: "test/bench/peers/mlflow_server.py",
    name: "MLflow tracking server, SQLite",
    package: "mlflow",
  },
} as const satisfies Record<string, Peer>;

/** Throws NotMeasuredError where the setup could not install it. */
export function checkInstalled(peer: Peer): void {
  if (peer.package === undefined) return;
  const folder = peerPython(peer);
  const stampFile = fileURLToPath(new URL(`../../${folder}/loraloop-setup.json`, import.meta.url));
  const installed = existsSync(stampFile)
    ? (JSON.parse(readFileSync(stampFile, "utf8")) as { peers: string[] }).peers
    : [];
  if (!installed.includes(peer.package)) throw new NotMeasuredError(`${peer.package} is not installed in ${folder}`);
}

/** Packages of peers want others than we do, and MLflow others than loaders: they have environments of their own. */
export function peerPython({ package: name }: Peer): string {
  if (name === undefined) return ".venv";
  return name === "mlflow" ? "test/bench/.venv-mlflow" : "test/bench/.venv";
}
