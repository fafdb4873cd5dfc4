"""A random model of a few thousand parameters, a tokenizer of a few words, and texts for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

# A model this small is slower on several threads.
torch.set_num_threads(1)

WORDS = ["der", "die", "das", "und", "oder", "wenn", "dann", "also", "aber", "nicht"]


def text_of(number: int) -> str:
    """4 to 8 words that follow one another."""
    return " ".join(WORDS[(number + place) % len(WORDS)] for place in range(4 + number % 5))


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    words = {word: number for number, word in enumerate(["<pad>", "<unk>", "</s>", *WORDS])}
    plain = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=plain, pad_token="<pad>", unk_token="<unk>", eos_token="</s>", model_max_length=32
    )


TOKENIZER = tiny_tokenizer()


def tokenize(sample: Mapping[str, Any]) -> dict[str, Any]:
    """What a causal language model learns of a text."""
    ids = TOKENIZER(sample["text"])["input_ids"]
    return {"input_ids": ids, "labels": ids}


def tiny_model(seed: int = 0, dropout: float = 0.0) -> LlamaForCausalLM:
    """The same for the same seed."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(WORDS) + 3,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=2,
            max_position_embeddings=64,
            attention_dropout=dropout,
            pad_token_id=0,
            eos_token_id=2,
        )
    )


def settings(kind: type[Any], folder: str, **options: Any) -> Any:
    """Training arguments of that kind for the CPU, quiet, with a checkpoint only where asked for."""
    defaults: Mapping[str, Any] = {
        "per_device_train_batch_size": 4,
        "learning_rate": 1e-2,
        "logging_steps": 1,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "disable_tqdm": True,
    }
    return kind(output_dir=folder, **{**defaults, **options})
