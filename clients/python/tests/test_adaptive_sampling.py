"""Adaptive sampling beside samples that are all alike, on a model with planted hard samples: the example, 5 times."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from loraloop import Client

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("adaptive_sampling")


@pytest.mark.parametrize("seed", range(5))
def test_an_adaptive_run_needs_fewer_steps_and_can_be_read_again(seed: int, example: Any, client: Client) -> None:
    uniform, adaptive, replay = example.compare(client, f"questions-{seed}", seed)
    target = uniform.held_out_losses[-1]
    steps = example.steps_until(adaptive, target)
    assert steps is not None
    assert steps < 0.75 * example.steps_until(uniform, target)
    assert example.same(adaptive, replay)
