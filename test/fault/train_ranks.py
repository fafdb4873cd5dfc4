"""All ranks of a training, one loader each, in lockstep; answers each line with the hashes of so many global batches.

    train_ranks.py SOURCE WORLD_SIZE NUM_WORKERS [STATE]

SOURCE is a JSON file that names the snapshots. `n` takes n global batches; the answer is JSON: their hashes, the state
of all ranks after them, whether that was the end, and the processes of the workers. STATE is an answer's state.
"""

import hashlib
import json
import multiprocessing
import sys
from itertools import islice
from pathlib import Path

import torch

from loraloop import Client, Mixture, MixtureSource
from loraloop.torch import StreamingDataLoader, StreamingDataset, merge_state_dicts

source = json.loads(Path(sys.argv[1]).read_text())
world_size, num_workers = int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(1)


def loader(rank):
    dataset = StreamingDataset(
        client=Client(),
        mixture=Mixture([MixtureSource(snapshot=key, proportion=share) for key, share in source["snapshots"]]),
        shuffle=True,
        shuffle_seed=5,
        global_batch_size=source["global_batch_size"],
        drop_last=True,
        weights="sampling",
        rank=rank,
        world_size=world_size,
        with_ids=True,
    )
    loader = StreamingDataLoader(dataset, num_workers=num_workers)
    if len(sys.argv) > 4:
        loader.load_state_dict(json.loads(sys.argv[4]))
    return loader


def batch_hash(parts):
    """Of the global batch: what the ranks have, rank after rank."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


loaders = [loader(rank) for rank in range(world_size)]
batches = zip(*map(iter, loaders), strict=True)
for line in sys.stdin:
    taken = [batch_hash([sample for part in parts for sample in part]) for parts in islice(batches, int(line))]
    state = merge_state_dicts([each.state_dict() for each in loaders])
    workers = [child.pid for child in multiprocessing.active_children()]
    print(json.dumps({"hashes": taken, "state": state, "end": len(taken) < int(line), "workers": workers}), flush=True)
