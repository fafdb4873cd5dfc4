"""Base models and adapters of a few thousand random parameters, made by transformers and PEFT."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from transformers import PreTrainedModel

from tests.tiny import tiny_tokenizer

TOKENS = 64
WIDTH = 16

#: One of each way in which models name and keep their layers.
ARCHITECTURES: Mapping[str, Any] = {
    "llama": transformers.LlamaConfig(
        vocab_size=TOKENS,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
    ),
    "gpt2": transformers.GPT2Config(vocab_size=TOKENS, n_embd=WIDTH, n_layer=2, n_head=2, n_positions=32),
    "gpt_neox": transformers.GPTNeoXConfig(
        vocab_size=TOKENS, hidden_size=WIDTH, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2
    ),
    "qwen2": transformers.Qwen2Config(
        vocab_size=TOKENS,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=True,
    ),
    "opt": transformers.OPTConfig(
        vocab_size=TOKENS,
        hidden_size=WIDTH,
        ffn_dim=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        word_embed_proj_dim=WIDTH,
        max_position_embeddings=32,
    ),
}


def save_base_model(architecture: str, folder: Path, seed: int = 0) -> PreTrainedModel:
    """A random model as it is loaded from a folder, into which it was saved with a tokenizer."""
    torch.manual_seed(seed)
    auto: Any = transformers.AutoModelForCausalLM
    auto.from_config(ARCHITECTURES[architecture]).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return load_base_model(folder)


def load_base_model(folder: Path) -> PreTrainedModel:
    """With its folder as its name, for inference."""
    auto: Any = transformers.AutoModelForCausalLM
    model: PreTrainedModel = auto.from_pretrained(folder).eval()
    return model


def adapted(base: PreTrainedModel, seed: int = 1, **options: Any) -> peft.PeftModel:
    """With an adapter that changes what the model says; `options` are LoraConfig's."""
    torch.manual_seed(seed)
    defaults = {"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM", "init_lora_weights": False}
    with warnings.catch_warnings():
        # PEFT finds a Conv1D's orientation by itself, and says so.
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(base, peft.LoraConfig(**{**defaults, **options}))
    assert isinstance(model, peft.PeftModel)
    return model.eval()


def logits(model: torch.nn.Module) -> torch.Tensor:
    """What a model says to a few tokens."""
    with torch.no_grad():
        output: torch.Tensor = model(input_ids=torch.arange(3, 19)[None]).logits
    return output
