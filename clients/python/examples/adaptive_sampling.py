"""Adaptive sampling: what is learned badly in one epoch comes more often in the next.

Of 200 samples, 160 ask one of 4 easy questions, 40 a question that comes once; a hint that means nothing makes each
another. The same training runs with all samples alike, then as an adaptive run, and at last reads that run again.
"""

from __future__ import annotations

import random
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from loraloop import AdaptiveSampling, Client, Plan, Run
from loraloop.torch import StreamingDataLoader, StreamingDataset

EPOCHS, BATCH, ANSWERS, HINTS = 10, 10, 8, 5
EASY, HARD = 4, 40


def put_questions(client: Client, name: str, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Each question has a random answer. Returns as many other samples, held out: prompts and answers."""
    chance = random.Random(seed)
    answers = [chance.randrange(ANSWERS) for _ in range(EASY + HARD)]
    questions = [number % EASY for number in range(4 * HARD)] + list(range(EASY, EASY + HARD))
    records = (
        {"id": f"{number:03d}", "question": f"{question} {chance.randrange(HINTS)}", "answer": str(answers[question])}
        for number, question in enumerate(questions)
    )
    client.ingest(name, records)
    mapping = {"prompt": "question", "completion": "answer"}
    client.datasets.put(name, {"collection": name, "format": "prompt-completion", "mapping": mapping})
    prompts = [[question, EASY + HARD + chance.randrange(HINTS)] for question in questions]
    return torch.tensor(prompts), torch.tensor([answers[question] for question in questions])


def collate(samples: list[dict[str, Any]]) -> tuple[list[int], torch.Tensor, torch.Tensor]:
    words = [sample["prompt"].split() for sample in samples]
    prompts = torch.tensor([[int(question), EASY + HARD + int(hint)] for question, hint in words])
    answers = torch.tensor([int(sample["completion"]) for sample in samples])
    return [sample["index"] for sample in samples], prompts, answers


class Training:
    """A model that adds up what question and hint say about the answer, and its held-out loss after each step."""

    def __init__(self, client: Client, run: Run, held_out: tuple[torch.Tensor, torch.Tensor]) -> None:
        self.run = run
        self.loader = StreamingDataLoader(StreamingDataset(client=client, run=run, with_ids=True), collate_fn=collate)
        self.model = torch.nn.EmbeddingBag(EASY + HARD + HINTS, ANSWERS, mode="sum")
        torch.nn.init.zeros_(self.model.weight)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=4.0)
        self.held_out = held_out
        self.read: list[torch.Tensor] = []
        self.held_out_losses: list[float] = []

    def epoch(self, epoch: int, *, report: bool) -> None:
        self.loader.set_epoch(epoch)
        reports: dict[int, float] = {}
        for indices, prompts, answers in self.loader:
            losses = cross_entropy(self.model(prompts), answers, reduction="none")
            self.optimizer.zero_grad()
            losses.mean().backward()
            self.optimizer.step()
            self.read.append(prompts)
            reports.update(zip(indices, losses.tolist(), strict=True))
            with torch.no_grad():
                self.held_out_losses.append(cross_entropy(self.model(self.held_out[0]), self.held_out[1]).item())
        if report:
            self.run.report_losses(epoch, list(reports), list(reports.values()))
            self.run.close_epoch(epoch)


def train(client: Client, run: Run, held_out: tuple[torch.Tensor, torch.Tensor], *, replay: bool = False) -> Training:
    training = Training(client, run, held_out)
    for epoch in range(EPOCHS):
        training.epoch(epoch, report=not replay)
    return training


def compare(client: Client, name: str, seed: int) -> tuple[Training, Training, Training]:
    """All samples alike, adaptive, and the adaptive run read again."""
    held_out = put_questions(client, name, seed)
    order: dict[str, Any] = {"dataset": name, "plan": Plan(seed=seed, shuffle=True, global_batch_size=BATCH)}
    with client.runs.open(**order) as run:
        uniform = train(client, run, held_out)
    with client.runs.open(**order, adaptive_sampling=AdaptiveSampling()) as run:
        adaptive = train(client, run, held_out)
    return uniform, adaptive, train(client, client.runs.attach(run.id), held_out, replay=True)


def steps_until(training: Training, loss: float) -> int | None:
    """The first step after which the held-out loss is not above; None where it always is."""
    return next((step for step, value in enumerate(training.held_out_losses, 1) if value <= loss), None)


def same(one: Training, other: Training) -> bool:
    """Bit for bit."""
    pairs = zip([*one.read, one.model.weight], [*other.read, other.model.weight], strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs) and one.held_out_losses == other.held_out_losses


def main() -> None:
    torch.set_num_threads(1)
    with Client() as client:
        uniform, adaptive, replay = compare(client, "questions", seed=0)
    target = uniform.held_out_losses[-1]
    print(f"all alike: {len(uniform.held_out_losses)} steps to loss {target:.4f}")
    print(f"adaptive: {steps_until(adaptive, target)} steps to the same")
    print(f"replay is equal: {same(replay, adaptive)}")
    print(f"final loss {adaptive.held_out_losses[-1]:.4f}")


if __name__ == "__main__":
    main()
