from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import datasets
import dill
from torch.utils.data import IterableDataset

from loraloop.errors import ConfigurationError
from loraloop.torch import StreamingDataset

Sample = dict[str, Any]


class Preparation:
    """What a trainer of TRL does to its dataset before training (chat template, tokens, labels), for one sample."""

    def __init__(self, *steps: Callable[[Sample], Sample]) -> None:
        self.steps = steps

    def __call__(self, sample: Sample) -> Sample:
        for step in self.steps:
            sample = step(sample)
        return sample

    def __getstate__(self) -> bytes:
        """TRL's steps are closures, which workers that are spawned cannot unpickle."""
        return bytes(dill.dumps(self.steps))

    def __setstate__(self, state: bytes) -> None:
        self.steps = dill.loads(state)


class PreparedDataset(datasets.IterableDataset, IterableDataset[Sample]):  # type: ignore[misc]
    """The `datasets.IterableDataset` that TRL asks for: keeps the steps it is given, and leaves the order alone.

    Passes over it are for TRL's looks at the first sample; the training reads `source` and runs `preparation` itself.
    """

    def __init__(self, source: StreamingDataset, preparation: Preparation | None = None) -> None:
        self.source = source
        self.preparation = preparation or Preparation()

    #: Unknown: TRL then looks at a sample.
    column_names = None

    def __iter__(self) -> Iterator[Sample]:
        return map(self.preparation, self.source)

    def __len__(self) -> int:
        return len(self.source)

    def map(
        self,
        function: Callable[..., Sample],
        *,
        batched: bool = False,
        fn_kwargs: dict[str, Any] | None = None,
        remove_columns: str | list[str] | None = None,
    ) -> PreparedDataset:
        if batched:
            _refuse("preparation in batches (packing)")
        removed = [remove_columns] if isinstance(remove_columns, str) else remove_columns or []

        def step(sample: Sample) -> Sample:
            try:
                added = function(dict(sample), **(fn_kwargs or {}))
            except KeyError as missing:
                raise _no_field(missing, sample) from missing
            kept = {key: value for key, value in sample.items() if key not in removed}
            return {**kept, **added}

        return self._with(step)

    def filter(self, function: Callable[..., bool], *, fn_kwargs: dict[str, Any] | None = None) -> PreparedDataset:
        """A sample that is left out keeps its place and weighs nothing: all ranks still have equal batches."""

        def step(sample: Sample) -> Sample:
            return sample if function(sample, **(fn_kwargs or {})) else {**sample, "weight": 0.0}

        return self._with(step)

    def shuffle(self, **_: Any) -> NoReturn:
        _refuse("shuffle_dataset=True; give the StreamingDataset shuffle=True")

    def select_columns(self, _: list[str]) -> NoReturn:
        _refuse("packing=True")

    def _with(self, step: Callable[[Sample], Sample]) -> PreparedDataset:
        return PreparedDataset(self.source, Preparation(*self.preparation.steps, step))


def _no_field(missing: KeyError, sample: Sample) -> ConfigurationError:
    return ConfigurationError(
        f"the trainer's preparation asks for the field {missing} of a sample that has {', '.join(sample)}: read a "
        "dataset of another format (SFTTrainer takes prompt-completion, chat and text, DPOTrainer preference), or give "
        "SFTTrainer a formatting_func"
    )


def _refuse(what: str) -> NoReturn:
    raise ConfigurationError(f"a StreamingDataset cannot be read with {what}")
