"""TRL's SFTTrainer, which makes tokens of the samples itself, training a LoRA adapter with 2 accumulated batches."""

from __future__ import annotations

from peft import LoraConfig
from tiny import put_comparisons, tiny_model, tiny_tokenizer
from trl import SFTConfig, SFTTrainer

from loraloop import Client
from loraloop.torch import StreamingDataset
from loraloop.trainer import StreamingTrainerMixin


class StreamingSFTTrainer(StreamingTrainerMixin, SFTTrainer):
    pass


with Client() as client:
    put_comparisons(client)
    trainer = StreamingSFTTrainer(
        model=tiny_model(),
        args=SFTConfig(
            output_dir="trl_sft",
            per_device_train_batch_size=5,
            gradient_accumulation_steps=2,
            num_train_epochs=12,
            learning_rate=2e-2,
            logging_steps=10,
            save_steps=10,
            use_cpu=True,
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=StreamingDataset("comparisons", client=client, shuffle=True, global_batch_size=5),
        processing_class=tiny_tokenizer(),
        peft_config=LoraConfig(r=8, lora_alpha=16, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    trainer.train(resume_from_checkpoint=True)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    print(f"final loss {losses[-1]:.4f}")
