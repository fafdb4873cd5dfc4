"""Trains a LoRA adapter of a tiny random model on a loraloop stream, on the CPU, in a way that survives kill -9.

A checkpoint is one folder, renamed into place when complete: the adapter, the optimizer, and the stream's state.
At the end the adapter is registered with the run that made it. Prints one JSON line for each step (step, ids, loss),
for each evaluation (step, held_out_loss) and for the version (registered).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from loraloop import Client, Run, Sample, SampleStream, StreamState

BASE_MODEL = "loraloop-demo/tiny-llama"
SEED = 7
BATCH_SIZE = 8
MAX_TOKENS = 160
CHECKPOINT_EVERY = 20
EVALUATE_EVERY = 100


def base_model() -> LlamaForCausalLM:
    """The same random weights every time; each byte is a token."""
    torch.manual_seed(SEED)
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


def text_of(sample: Sample) -> str:
    """What the model reads: all text of the sample in the order of its keys."""
    if "messages" in sample:
        return "\n".join(str(message.get("content", "")) for message in sample["messages"])
    return "\n".join(value for key, value in sample.items() if isinstance(value, str) and key != "metadata")


def encode(samples: list[Sample]) -> torch.Tensor:
    """Bytes as tokens, shape (samples, longest), padded with 256."""
    rows = [list(text_of(sample).encode())[:MAX_TOKENS] for sample in samples]
    longest = max(len(row) for row in rows)
    return torch.tensor([row + [256] * (longest - len(row)) for row in rows])


def weighted_loss(model: torch.nn.Module, samples: list[Sample]) -> torch.Tensor:
    """Σ w·l / Σ w over tokens: the weight acts on each token before the mean, not on an average."""
    tokens = encode(samples)
    logits = model(input_ids=tokens, attention_mask=(tokens != 256).long()).logits[:, :-1]
    targets = tokens[:, 1:]
    losses = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")
    weights = torch.tensor([float(sample.get("weight", 1.0)) for sample in samples])
    token_weights = weights[:, None] * (targets != 256)
    return (losses * token_weights).sum() / token_weights.sum()


def new_adapter() -> PeftModel:
    targets = ["q_proj", "v_proj", "up_proj", "down_proj", "lm_head"]
    return get_peft_model(base_model(), LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM"))


def load_adapter(checkpoint: Path) -> PeftModel:
    return PeftModel.from_pretrained(base_model(), str(checkpoint), is_trainable=True)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def newest_checkpoint(folder: Path) -> Path | None:
    """Only complete ones have their final name."""
    return max(folder.glob("checkpoint-*"), key=step_of, default=None)


def sync(path: Path) -> None:
    """Puts a file or a folder's names on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def record_id(stream: SampleStream) -> str:
    position = stream.position
    assert position is not None
    return position.id


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


class Training:
    """One adapter on its way: starts new, or from the newest checkpoint of its folder."""

    def __init__(self, folder: Path, run: Run, held_out: list[Sample]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = newest_checkpoint(folder)
        self.folder = folder
        self.run = run
        self.held_out = held_out
        self.step = 0
        self.epoch = 0
        self.loss = float("nan")
        self.stream_state: StreamState | None = None
        self.model = new_adapter() if checkpoint is None else load_adapter(checkpoint)
        parameters = (parameter for parameter in self.model.parameters() if parameter.requires_grad)
        self.optimizer = torch.optim.AdamW(parameters, lr=5e-3)
        if checkpoint is None:
            self.evaluate()
        else:
            saved = json.loads((checkpoint / "stream.json").read_text())
            self.step, self.epoch, self.stream_state = saved["step"], saved["epoch"], saved["stream"]
            self.optimizer.load_state_dict(torch.load(checkpoint / "optimizer.pt"))

    def pass_over(self, stream: SampleStream, steps: int) -> None:
        """Trains to the end of the stream or the last step; an incomplete last batch is dropped."""
        batch: list[Sample] = []
        ids: list[str] = []
        for sample in stream:
            batch.append(sample)
            ids.append(record_id(stream))
            if len(batch) < BATCH_SIZE:
                continue
            self.train(batch, ids)
            batch, ids = [], []
            if self.step % CHECKPOINT_EVERY == 0 or self.step == steps:
                self.save(stream.state_dict())
            if self.step == steps:
                return
        self.epoch += 1
        self.stream_state = None

    def train(self, batch: list[Sample], ids: list[str]) -> None:
        loss = weighted_loss(self.model, batch)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.step += 1
        self.loss = loss.item()
        say(step=self.step, ids=ids, loss=self.loss)
        if self.step % EVALUATE_EVERY == 0:
            self.evaluate()

    def evaluate(self) -> None:
        say(step=self.step, held_out_loss=self.held_out_loss())

    def held_out_loss(self) -> float:
        with torch.no_grad():
            return weighted_loss(self.model, self.held_out).item()

    def save(self, stream_state: StreamState) -> None:
        """Adapter, optimizer and stream state become one folder, or nothing."""
        partial = self.folder / f"partial-{self.step}"
        shutil.rmtree(partial, ignore_errors=True)
        self.model.save_pretrained(str(partial))
        torch.save(self.optimizer.state_dict(), partial / "optimizer.pt")
        state = {"step": self.step, "epoch": self.epoch, "stream": stream_state}
        (partial / "stream.json").write_text(json.dumps(state))
        for path in [*partial.rglob("*"), partial]:
            sync(path)
        partial.rename(self.folder / f"checkpoint-{self.step}")
        sync(self.folder)
        consumed = {"epoch": self.epoch, "next_index": stream_state["next_index"]}
        self.run.report_progress(step=self.step, **consumed, metrics={"loss": self.loss})
        for old in self.folder.glob("checkpoint-*"):
            if step_of(old) < self.step - CHECKPOINT_EVERY:
                shutil.rmtree(old)


def register(client: Client, training: Training, adapter: str, alias: str) -> None:
    """One call: files, run, snapshot and metrics become a version, once the registry has found the files right."""
    base, folder = base_model(), training.folder / "base-model"
    base.save_pretrained(str(folder))
    client.registry.register_base_model(base, name=BASE_MODEL, folder=folder)
    version = client.registry.register(
        training.model,
        adapter=adapter,
        base_model=BASE_MODEL,
        run=training.run,
        metrics={"eval_loss": training.held_out_loss()},
        alias=alias,
        task="question-answering",
        close_run=True,
    )
    say(registered=version.name)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snapshot", required=True)
    parser.add_argument("--held-out", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--alias", default="")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    with Client() as client:
        with client.stream(snapshot=arguments.held_out) as stream:
            held_out = [sample for sample, _ in zip(stream, range(64), strict=False)]
        name = f"{arguments.adapter}-{arguments.folder.name}"
        run = client.runs.open(name, snapshot=arguments.snapshot, base_model=BASE_MODEL, seed=SEED)
        training = Training(arguments.folder, run, held_out)
        while training.step < arguments.steps:
            with client.stream(snapshot=arguments.snapshot, resume=training.stream_state) as stream:
                training.pass_over(stream, arguments.steps)
        register(client, training, arguments.adapter, arguments.alias)


if __name__ == "__main__":
    main()
