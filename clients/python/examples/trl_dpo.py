"""TRL's DPOTrainer on preferences: the right answer rather than a wrong one."""

from __future__ import annotations

from tiny import put_comparisons, tiny_model, tiny_tokenizer
from trl import DPOConfig, DPOTrainer

from loraloop import Client
from loraloop.torch import StreamingDataset
from loraloop.trainer import StreamingTrainerMixin


class StreamingDPOTrainer(StreamingTrainerMixin, DPOTrainer):
    pass


with Client() as client:
    put_comparisons(client)
    trainer = StreamingDPOTrainer(
        model=tiny_model(),
        ref_model=tiny_model(),
        args=DPOConfig(
            output_dir="trl_dpo",
            per_device_train_batch_size=10,
            num_train_epochs=4,
            learning_rate=1e-2,
            logging_steps=10,
            save_steps=10,
            use_cpu=True,
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=StreamingDataset("preferences", client=client, shuffle=True, global_batch_size=10),
        processing_class=tiny_tokenizer(),
    )
    trainer.train(resume_from_checkpoint=True)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(f"final loss {losses[-1]:.4f}")
