"""Makes tiny random models with transformers, and for each an adapter with PEFT.

In the folder that is given: `<architecture>/` and `<architecture>-adapter/`.
"""

import sys
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, get_peft_model

SMALL = {"vocab_size": 64, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
MODELS = {
    "llama": transformers.LlamaConfig(**SMALL, intermediate_size=32),
    "qwen2": transformers.Qwen2Config(**SMALL, intermediate_size=32, num_key_value_heads=1, tie_word_embeddings=True),
    "gpt2": transformers.GPT2Config(vocab_size=64, n_embd=16, n_layer=2, n_head=2, n_positions=32),
    "gpt_neox": transformers.GPTNeoXConfig(**SMALL, intermediate_size=32),
    "opt": transformers.OPTConfig(**SMALL, ffn_dim=32, word_embed_proj_dim=16, max_position_embeddings=32),
}
ADAPTERS = {
    "llama": LoraConfig(r=4, target_modules="all-linear", rank_pattern={"q_proj": 8}, task_type="CAUSAL_LM"),
    "qwen2": LoraConfig(r=4, target_modules=["q_proj", "lm_head"], use_rslora=True, task_type="CAUSAL_LM"),
    "gpt2": LoraConfig(r=4, target_modules=["c_attn", "wte"], fan_in_fan_out=True, task_type="CAUSAL_LM"),
    "gpt_neox": LoraConfig(r=4, target_modules=["query_key_value"], use_dora=True, task_type="CAUSAL_LM"),
    "opt": LoraConfig(r=4, target_modules=r".*\.(q_proj|fc1)", task_type="CAUSAL_LM"),
}

folder = Path(sys.argv[1])
torch.manual_seed(0)
for name, configuration in MODELS.items():
    transformers.AutoModelForCausalLM.from_config(configuration).save_pretrained(folder / name)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / name)
    get_peft_model(model, ADAPTERS[name]).save_pretrained(folder / f"{name}-adapter")
