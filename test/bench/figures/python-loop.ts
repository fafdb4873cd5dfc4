import type { Bench } from "../bench.ts";
import type { Figure, Goal } from "../figure.ts";
import { sealedSnapshot } from "../passes.ts";
import { type Peer, peers } from "../peers.ts";
import { cachedLoop, compareLoops, type Loop, peerLoop, streamLoop } from "../python-loops.ts";
import { textDataset } from "../samples.ts";
import type { Server } from "../server.ts";

type Ours = (server: Server, snapshot: string, bench: Bench) => Loop;

const ordered: Ours = (server, snapshot) => streamLoop(server, snapshot, "ordered");
const shuffled: Ours = (server, snapshot) => streamLoop(server, snapshot, "shuffled");

/** A sealed snapshot into a Python loop of dicts, against other loaders of the same samples from local files. */
export const pythonLoopFigures: readonly Figure[] = [
  againstPeer("python_loop_vs_hf_json", ordered, peers.hfJson, { kind: "more than", than: 1 }),
  againstPeer("python_loop_vs_litdata", ordered, peers.litdata, { kind: "at least", than: 1 }),
  againstPeer("python_loop_vs_lancedb", ordered, peers.lancedb, { kind: "at least", than: 2 }),
  againstPeer("python_loop_vs_hf_iterable", ordered, peers.hfIterable, { kind: "at least", than: 3 }),
  againstPeer("python_loop_vs_mosaic", ordered, peers.mosaic, { kind: "at least", than: 4 }),
  loopFigure(
    "shuffled_vs_unshuffled",
    shuffled,
    { kind: "at least", than: 0.8 },
    "the same unshuffled",
    async (...given) => ordered(...given),
  ),
  againstPeer("shuffled_vs_lancedb", shuffled, peers.lancedbShuffled, { kind: "at least", than: 2.5 }),
  againstPeer("block_cache_vs_litdata", cachedLoop, peers.litdata, { kind: "at least", than: 1.3 }),
];

function againstPeer(name: string, ours: Ours, peer: Peer, goal: Goal): Figure {
  return loopFigure(name, ours, goal, peer.name, (server, snapshot, bench) => peerLoop(bench, server, snapshot, peer));
}

function loopFigure(
  figure: string,
  ours: Ours,
  goal: Goal,
  peerName: string,
  peer: (server: Server, snapshot: string, bench: Bench) => Promise<Loop>,
): Figure {
  return {
    names: [figure],
    async measure(bench) {
      await using server = await bench.serve();
      const key = await sealedSnapshot(server, textDataset("python"));
      const speeds = await compareLoops(bench, ours(server, key, bench), await peer(server, key, bench));
      const value = speeds.ours / speeds.peer;
      return [{ figure, value, unit: "ratio", goal, ...speeds, measuredIn: "samples/s", peerName }];
    },
  };
}
