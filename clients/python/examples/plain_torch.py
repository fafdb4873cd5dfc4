"""A training loop of one's own. Stop it at any time and run it again: it goes on after the last checkpoint."""

from __future__ import annotations

from pathlib import Path

import torch
from tiny import collate, put_comparisons, tiny_model, tokenize

from loraloop import Client
from loraloop.loss import token_losses, weighted_loss
from loraloop.torch import StreamingDataLoader, StreamingDataset

EPOCHS = 8
CHECKPOINT = Path("plain_torch.pt")

with Client() as client:
    put_comparisons(client)
    dataset = StreamingDataset("comparisons", client=client, shuffle=True, global_batch_size=10, transform=tokenize)
    loader = StreamingDataLoader(dataset, collate_fn=collate)
    model = tiny_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    first_epoch, last_loss = 0, float("nan")
    if CHECKPOINT.exists():
        saved = torch.load(CHECKPOINT)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        loader.load_state_dict(saved["stream"])
        first_epoch, last_loss = saved["stream"]["epoch"], saved["loss"]
    for epoch in range(first_epoch, EPOCHS):
        loader.set_epoch(epoch)
        for batch in loader:
            labels, weights = batch.pop("labels"), batch.pop("weights")
            loss = weighted_loss(token_losses(model(**batch).logits, labels), labels, weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            last_loss = loss.item()
            states = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "stream": loader.state_dict()}
            partial = CHECKPOINT.with_suffix(".partial")
            torch.save({"loss": last_loss, **states}, partial)
            partial.replace(CHECKPOINT)
        print(f"epoch {epoch}: loss {last_loss:.4f}")
    print(f"final loss {last_loss:.4f}")
