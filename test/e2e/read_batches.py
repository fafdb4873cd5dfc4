"""Reads rank batches with the Python client: a job a line on standard input, an answer a line on standard output."""

import hashlib
import json
import sys
from itertools import islice

from loraloop import BlockCache, Client, Mixture, MixtureSource
from loraloop.torch import StreamingDataLoader, StreamingDataset


def to_mixture(mixture):
    sources = [
        MixtureSource(snapshot=source["snapshot"], proportion=source["proportion"]) for source in mixture["sources"]
    ]
    return Mixture(sources, exhaustion=mixture["exhaustion"], block_batches=mixture["blockBatches"])


def to_order(plan):
    if plan["run"]:
        return {"run": plan["run"]}
    return {
        "snapshot": plan["snapshot"],
        "shuffle": plan["shuffle"],
        "shuffle_seed": plan["seed"],
        "global_batch_size": plan["globalBatchSize"],
        "drop_last": plan["dropLast"],
        "weights": plan["weights"],
        "mixture": to_mixture(plan["mixture"]) if plan["mixture"] else None,
    }


def open_loader(client, job, rank):
    dataset = StreamingDataset(
        client=client,
        **to_order(job["plan"]),
        rank=rank,
        world_size=job["worldSize"],
        cache=BlockCache(job["cache"]) if job["cache"] else None,
        compression=job["compression"],
        with_ids=True,
    )
    dataset.set_epoch(job["plan"]["epoch"])
    loader = StreamingDataLoader(dataset, num_workers=job["workers"])
    if job["state"]:
        loader.load_state_dict(job["state"])
    return loader


def describe(sample):
    texts = "\0".join(sample.get(name, "") for name in ("text", "instruction", "output"))
    digest = hashlib.sha256(texts.encode()).hexdigest()
    return [sample["index"], sample["record_id"], sample.get("weight"), digest]


def read(client, job, rank):
    loader = open_loader(client, job, rank)
    batches = iter(loader)
    taken = [[describe(sample) for sample in batch] for batch in islice(batches, job["batches"])]
    state = loader.state_dict()
    batches.close()
    return {"batches": taken, "state": state}


def main():
    with Client() as client:
        for line in sys.stdin:
            job = json.loads(line)
            print(json.dumps([read(client, job, rank) for rank in range(job["worldSize"])]), flush=True)


if __name__ == "__main__":
    main()
