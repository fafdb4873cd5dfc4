"""Hugging Face's Trainer. Stop it at any time and run it again: it goes on after the last checkpoint."""

from __future__ import annotations

from tiny import TOKENIZER, put_comparisons, tiny_model, tokenize
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments

from loraloop import Client
from loraloop.torch import StreamingDataset
from loraloop.trainer import StreamingTrainerMixin


class StreamingTrainer(StreamingTrainerMixin, Trainer):
    pass


with Client() as client:
    put_comparisons(client)
    trainer = StreamingTrainer(
        model=tiny_model(),
        args=TrainingArguments(
            output_dir="hf_trainer",
            per_device_train_batch_size=10,
            num_train_epochs=8,
            learning_rate=1e-2,
            logging_steps=10,
            save_steps=10,
            use_cpu=True,
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=StreamingDataset(
            "comparisons", client=client, shuffle=True, global_batch_size=10, transform=tokenize
        ),
        data_collator=DataCollatorForSeq2Seq(TOKENIZER),
    )
    trainer.train(resume_from_checkpoint=True)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(f"final loss {losses[-1]:.4f}")
