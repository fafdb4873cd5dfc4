from __future__ import annotations

import sys

from loraloop.errors import ConfigurationError


def refuse_second_sharding(dataset: object) -> None:
    """Raises ConfigurationError where a pass of Accelerate over several ranks reads this dataset of one rank.

    Accelerate registers its loaders when a pass begins, then tells the dataset the epoch, on every rank.
    """
    state = sys.modules.get("accelerate.state")
    if state is None or state.PartialState._shared_state.get("num_processes", 1) == 1:
        return
    for loader in state.GradientState().dataloader_references:
        read = getattr(loader, "dataset", None)
        if dataset is read or dataset is getattr(read, "dataset", None):
            raise ConfigurationError(
                "the samples of a StreamingDataset would be divided among ranks twice: put StreamingTrainerMixin "
                "before the trainer's class, use StreamingDataLoader, or let Accelerate alone divide them "
                "(StreamingDataset(..., rank=0, world_size=1))"
            )
