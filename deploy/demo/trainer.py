"""Trains a LoRA adapter of a tiny random model on a loraloop stream, on the CPU, in a way that survives kill -9.

A checkpoint is one folder, renamed into place when complete: the adapter, the optimizer, and the stream's state.
Prints one JSON line for each step (step, ids, loss) and for each evaluation (step, held_out_loss).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from loraloop import Client
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

BATCH_SIZE = 8
MAX_TOKENS = 160
CHECKPOINT_EVERY = 20
EVALUATE_EVERY = 100


def base_model() -> LlamaForCausalLM:
    """The same random weights every time; each byte is a token."""
    torch.manual_seed(7)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=257,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=MAX_TOKENS,
        )
    )


def text_of(sample: dict[str, Any]) -> str:
    """What the model reads: all text of the sample in the order of its keys."""
    if "messages" in sample:
        return "\n".join(str(message.get("content", "")) for message in sample["messages"])
    return "\n".join(value for key, value in sample.items() if isinstance(value, str) and key != "metadata")


def encode(samples: list[dict[str, Any]]) -> torch.Tensor:
    """Bytes as tokens, shape (samples, longest), padded with 256."""
    rows = [list(text_of(sample).encode())[:MAX_TOKENS] for sample in samples]
    longest = max(len(row) for row in rows)
    return torch.tensor([row + [256] * (longest - len(row)) for row in rows])


def weighted_loss(model: torch.nn.Module, samples: list[dict[str, Any]]) -> torch.Tensor:
    """Σ w·l / Σ w over tokens: the weight acts on each token before the mean, not on an average."""
    tokens = encode(samples)
    logits = model(input_ids=tokens, attention_mask=(tokens != 256).long()).logits[:, :-1]
    targets = tokens[:, 1:]
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    weights = torch.tensor([float(sample.get("weight", 1.0)) for sample in samples])
    token_weights = weights[:, None] * (targets != 256)
    return (losses * token_weights).sum() / token_weights.sum()


def newest_checkpoint(folder: Path) -> Path | None:
    """Only complete ones have their final name."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    return found[-1] if found else None


def save_checkpoint(folder: Path, step: int, model: PeftModel, optimizer: torch.optim.Optimizer, stream_state: dict[str, Any]) -> None:
    """Adapter, optimizer and stream state become one folder, or nothing."""
    partial = folder / f"partial-{step}"
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(str(partial))
    torch.save(optimizer.state_dict(), partial / "optimizer.pt")
    (partial / "stream.json").write_text(json.dumps({"step": step, "stream": stream_state}))
    for path in partial.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    partial.rename(folder / f"checkpoint-{step}")
    for old in folder.glob("checkpoint-*"):
        if int(old.name.split("-")[1]) < step - CHECKPOINT_EVERY:
            shutil.rmtree(old)


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshot", required=True)
    parser.add_argument("--held-out", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    arguments.folder.mkdir(parents=True, exist_ok=True)

    checkpoint = newest_checkpoint(arguments.folder)
    step, state = 0, None
    if checkpoint is None:
        lora = LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj", "up_proj", "down_proj", "lm_head"], task_type="CAUSAL_LM")
        model = get_peft_model(base_model(), lora)
    else:
        saved = json.loads((checkpoint / "stream.json").read_text())
        step, state = saved["step"], saved["stream"]
        model = PeftModel.from_pretrained(base_model(), str(checkpoint), is_trainable=True)
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=5e-3)
    if checkpoint is not None:
        optimizer.load_state_dict(torch.load(checkpoint / "optimizer.pt"))

    with Client() as client:
        with client.stream(snapshot=arguments.held_out) as held_out_stream:
            held_out = [sample for sample, _ in zip(held_out_stream, range(64), strict=False)]

        def evaluate() -> None:
            with torch.no_grad():
                say(step=step, held_out_loss=weighted_loss(model, held_out).item())

        if step == 0:
            evaluate()
        while step < arguments.steps:
            with client.stream(snapshot=arguments.snapshot, resume=state) as stream:
                batch: list[dict[str, Any]] = []
                ids: list[str] = []
                for sample in stream:
                    batch.append(sample)
                    ids.append(stream.position.id)
                    if len(batch) < BATCH_SIZE:
                        continue
                    loss = weighted_loss(model, batch)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    step += 1
                    say(step=step, ids=ids, loss=loss.item())
                    batch, ids = [], []
                    if step % EVALUATE_EVERY == 0:
                        evaluate()
                    if step % CHECKPOINT_EVERY == 0 or step == arguments.steps:
                        save_checkpoint(arguments.folder, step, model, optimizer, stream.state_dict())
                    if step == arguments.steps:
                        break
            # The snapshot is at its end: the next pass begins anew; an incomplete last batch is dropped.
            state = None


if __name__ == "__main__":
    main()
