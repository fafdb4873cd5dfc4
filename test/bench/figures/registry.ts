import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { ask, Child } from "../child.ts";
import { type Figure, type Measurement, median } from "../figure.ts";
import { checkInstalled, peerPython, peers } from "../peers.ts";
import type { RegistryLoad, RegistrySpeed } from "../registry-load.ts";
import { Server } from "../server.ts";

const load = { concurrency: 16, adapters: 100 };
/** Each side is given what takes it some twenty seconds. */
const ours = { ...load, versions: 200, reads: 80_000 } satisfies RegistryLoad;
const theirs = { ...load, versions: 6, reads: 2_000 } satisfies RegistryLoad;

/** Calls of our registry, on RocksDB and verifying each adapter, against those of MLflow's, on SQLite and with as many workers as processors; in turns. */
export const registryFigure: Figure = {
  names: ["registry_reads_vs_mlflow", "registry_registrations_vs_mlflow"],
  async measure(bench) {
    checkInstalled(peers.mlflow);
    const speeds: { ours: RegistrySpeed[]; peer: RegistrySpeed[] } = { ours: [], peer: [] };
    for (let turn = 0; turn < 3; turn += 1) {
      speeds.peer.push(await measurePeer(bench, turn));
      speeds.ours.push(await measureOurs(bench, turn));
    }
    return [
      measurement("registry_reads_vs_mlflow", speeds, ({ reads }) => reads),
      measurement("registry_registrations_vs_mlflow", speeds, ({ registrations }) => registrations),
    ];
  },
};

async function measureOurs(bench: Bench, turn: number): Promise<RegistrySpeed> {
  await using server = await Server.start(join(bench.folder, `registry-${turn}`), "registry");
  return await ask("test/bench/clients/registry.ts", [server.address, server.token, JSON.stringify(ours)]);
}

async function measurePeer(bench: Bench, turn: number): Promise<RegistrySpeed> {
  const given = [join(bench.folder, `mlflow-${turn}`), String(availableParallelism())];
  await using server = new Child(peers.mlflow.program, given, { python: peerPython(peers.mlflow) });
  const { address } = await server.message<{ address: string }>();
  return await ask("test/bench/peers/mlflow.ts", [address, JSON.stringify(theirs)]);
}

function measurement(
  figure: string,
  speeds: Record<"ours" | "peer", readonly RegistrySpeed[]>,
  of: (speed: RegistrySpeed) => number,
): Measurement {
  const [ours, peer] = [median(speeds.ours.map(of)), median(speeds.peer.map(of))];
  const goal = { kind: "at least", than: 30 } as const;
  return {
    figure,
    value: ours / peer,
    unit: "ratio",
    goal,
    ours,
    peer,
    measuredIn: "calls/s",
    peerName: peers.mlflow.name,
  };
}
