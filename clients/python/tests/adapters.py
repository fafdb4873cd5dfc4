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

#: One of each way in which models name and keep their layers; the last three are no causal language models.
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
    "t5": transformers.T5Config(vocab_size=TOKENS, d_model=WIDTH, d_kv=8, d_ff=32, num_layers=2, num_heads=2),
    "bart": transformers.BartConfig(
        vocab_size=TOKENS,
        d_model=WIDTH,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_position_embeddings=32,
    ),
    "bert": transformers.BertConfig(
        vocab_size=TOKENS,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
    ),
}
_MIXTURE: dict[str, Any] = {
    "vocab_size": TOKENS,
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_experts_per_tok": 2,
}
#: Mixtures of experts, which transformers keeps together while their files have each by itself.
MIXTURES: Mapping[str, Any] = {
    "mixtral": transformers.MixtralConfig(**_MIXTURE, intermediate_size=32, num_local_experts=4),
    "qwen2_moe": transformers.Qwen2MoeConfig(
        **_MIXTURE, num_experts=4, moe_intermediate_size=8, shared_expert_intermediate_size=8
    ),
    # Its files have them together too, with their inputs before their outputs.
    "gpt_oss": transformers.GptOssConfig(**_MIXTURE, intermediate_size=32, head_dim=4, num_local_experts=4),
}
#: What is loaded of them, and what PEFT calls that.
_TASKS: Mapping[str, tuple[Any, str]] = {
    "t5": (transformers.AutoModelForSeq2SeqLM, "SEQ_2_SEQ_LM"),
    "bart": (transformers.AutoModelForSeq2SeqLM, "SEQ_2_SEQ_LM"),
    "bert": (transformers.AutoModelForSequenceClassification, "SEQ_CLS"),
}
_CAUSAL = (transformers.AutoModelForCausalLM, "CAUSAL_LM")


def save_base_model(architecture: str, folder: Path, seed: int = 0) -> PreTrainedModel:
    """A random model as it is loaded from a folder, into which it was saved with a tokenizer."""
    torch.manual_seed(seed)
    auto, _ = _TASKS.get(architecture, _CAUSAL)
    auto.from_config({**ARCHITECTURES, **MIXTURES}[architecture]).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return load_base_model(folder)


def load_base_model(folder: Path) -> PreTrainedModel:
    """With its folder as its name, for inference."""
    architecture = transformers.AutoConfig.from_pretrained(folder).model_type
    auto, _ = _TASKS.get(architecture, _CAUSAL)
    model: PreTrainedModel = auto.from_pretrained(folder).eval()
    return model


def adapted(base: PreTrainedModel, seed: int = 1, **options: Any) -> peft.PeftModel:
    """With an adapter that changes what the model says; `options` are LoraConfig's."""
    torch.manual_seed(seed)
    _, task = _TASKS.get(base.config.model_type, _CAUSAL)
    defaults = {"r": 4, "lora_alpha": 8, "task_type": task, "init_lora_weights": False}
    with warnings.catch_warnings():
        # PEFT finds a Conv1D's orientation by itself, and says so.
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(base, peft.LoraConfig(**{**defaults, **options}))
    assert isinstance(model, peft.PeftModel)
    return model.eval()


def logits(model: Any) -> torch.Tensor:
    """What a model says to a few tokens."""
    tokens: Any = torch.arange(3, 19)[None]
    inputs = {"input_ids": tokens, **({"decoder_input_ids": tokens} if model.config.is_encoder_decoder else {})}
    with torch.no_grad():
        output: torch.Tensor = model(**inputs).logits
    return output
