"""Accelerate with two processes, started by `torchrun` as the README says.

The loader gives each rank its own part of every global batch: there is nothing for `accelerator.prepare` to divide.
"""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.utils import send_to_device
from tiny import collate, put_comparisons, tiny_model, tokenize

from loraloop import Client
from loraloop.loss import token_losses, token_weight, weighted_loss
from loraloop.torch import StreamingDataLoader, StreamingDataset

EPOCHS = 8

accelerator = Accelerator(cpu=True)
if accelerator.num_processes != 2:
    raise SystemExit(
        f"expected 2 processes, not {accelerator.num_processes}: start this with torchrun as the README says"
    )
with Client() as client:
    if accelerator.is_main_process:
        put_comparisons(client)
    accelerator.wait_for_everyone()
    # Rank and world size come from torch.distributed.
    dataset = StreamingDataset("comparisons", client=client, shuffle=True, global_batch_size=10, transform=tokenize)
    loader = StreamingDataLoader(dataset, collate_fn=collate)
    model = tiny_model()
    model, optimizer = accelerator.prepare(model, torch.optim.AdamW(model.parameters(), lr=1e-2))
    samples = 0
    for epoch in range(EPOCHS):
        loader.set_epoch(epoch)
        for batch in loader:
            inputs = send_to_device(batch, accelerator.device)
            labels, weights = inputs.pop("labels"), inputs.pop("weights")
            samples += len(weights)
            total = accelerator.reduce(token_weight(labels, weights))
            part = weighted_loss(token_losses(model(**inputs).logits, labels), labels, weights, total=total)
            optimizer.zero_grad()
            # Gradients are averaged over the ranks.
            accelerator.backward(part * accelerator.num_processes)
            optimizer.step()
            loss = accelerator.reduce(part.detach())
        accelerator.print(f"epoch {epoch}: loss {loss.item():.4f}")
    counts = accelerator.gather(torch.tensor([samples])).tolist()
    accelerator.print(f"{accelerator.num_processes} processes, samples of each: {counts}")
    accelerator.print(f"final loss {loss.item():.4f}")
accelerator.end_training()
