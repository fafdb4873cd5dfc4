"""What the examples share: comparisons of numbers, and a random model of 20,000 parameters to learn them."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from loraloop import Client

# A model this small is slower on several threads.
torch.set_num_threads(1)

NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
WORDS = ["<pad>", "<unk>", "</s>", "larger", "of", "and", "is", *NUMBERS]


def put_comparisons(client: Client) -> None:
    """100 comparisons as records, close ones more important, and two datasets: `comparisons` and `preferences`."""
    client.ingest(
        "comparisons",
        (
            {
                "id": f"{a},{b}",
                "question": f"larger of {NUMBERS[a]} and {NUMBERS[b]} is",
                "answer": f" {NUMBERS[max(a, b)]}",
                "wrong": f" {NUMBERS[min(a, b) if a != b else 9 - a]}",
                "importance": 2.0 if abs(a - b) < 2 else 1.0,
            }
            for a in range(10)
            for b in range(10)
        ),
    )
    answers = {"format": "prompt-completion", "mapping": {"prompt": "question", "completion": "answer"}}
    weighting = {"weight_field": "importance"}
    client.datasets.put("comparisons", {"collection": "comparisons", **answers, "weighting": weighting})
    pairs = {"format": "preference", "mapping": {"prompt": "question", "chosen": "answer", "rejected": "wrong"}}
    client.datasets.put("preferences", {"collection": "comparisons", **pairs, "weighting": weighting})


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Each word is a token."""
    plain = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="<pad>", unk_token="<unk>", eos_token="</s>")


def tiny_model() -> LlamaForCausalLM:
    """The same random weights every time."""
    torch.manual_seed(7)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(WORDS),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            initializer_range=0.1,
            pad_token_id=0,
            eos_token_id=2,
        )
    )


TOKENIZER = tiny_tokenizer()


def tokenize(sample: dict[str, Any]) -> dict[str, Any]:
    """A prompt and its completion as tokens; only the completion counts."""
    prompt = TOKENIZER(sample["prompt"])["input_ids"]
    completion = [*TOKENIZER(sample["completion"])["input_ids"], TOKENIZER.eos_token_id]
    return {**sample, "input_ids": prompt + completion, "labels": [-100] * len(prompt) + completion}


def collate(samples: list[dict[str, Any]]) -> dict[str, torch.Tensor]:
    """Tokens padded to the longest, and the weights."""
    longest = max(len(sample["input_ids"]) for sample in samples)

    def padded(key: str, filler: int) -> torch.Tensor:
        return torch.tensor([sample[key] + [filler] * (longest - len(sample[key])) for sample in samples])

    tokens = padded("input_ids", 0)
    return {
        "input_ids": tokens,
        "attention_mask": (tokens != 0).long(),
        "labels": padded("labels", -100),
        "weights": torch.tensor([sample["weight"] for sample in samples]),
    }
