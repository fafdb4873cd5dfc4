"""Makes adapters with PEFT for tiny models with random weights of several architectures.

In the folder that is given: `<case>/` with the adapter as PEFT saves it, and `cases.json`: base models as transformers
builds them, for each case the base model, the layers that PEFT targets and their ranks, and names that PEFT matches
with patterns.
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from peft import LoraConfig, get_peft_model
from peft.tuners.tuners_utils import check_target_module_exists
from peft.utils.other import get_pattern_key
from transformers.pytorch_utils import Conv1D

SMALL = {"vocab_size": 96, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
GROUPED = {**SMALL, "num_key_value_heads": 2}
GPT2 = transformers.GPT2Config(vocab_size=96, n_positions=32, n_embd=32, n_layer=2, n_head=4)
OPT = transformers.OPTConfig(
    vocab_size=96, hidden_size=32, ffn_dim=48, num_hidden_layers=2, num_attention_heads=4, word_embed_proj_dim=32
)
CLASSIFIER = {"num_labels": 3, "pad_token_id": 0}
VIT = transformers.ViTConfig(
    hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=4, image_size=16, patch_size=8
)
EXPERTS = {**GROUPED, "num_hidden_layers": 2, "num_experts_per_tok": 2}

BASES = {
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**GROUPED)),
    "mistral": lambda: transformers.MistralForCausalLM(transformers.MistralConfig(**GROUPED)),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(transformers.Qwen2Config(**GROUPED)),
    "qwen2-classifier": lambda: transformers.Qwen2ForSequenceClassification(
        transformers.Qwen2Config(**GROUPED, **CLASSIFIER)
    ),
    "bert-classifier": lambda: transformers.BertForSequenceClassification(transformers.BertConfig(**SMALL)),
    "gpt2": lambda: transformers.GPT2LMHeadModel(GPT2),
    "opt": lambda: transformers.OPTForCausalLM(OPT),
    "vit": lambda: transformers.ViTModel(VIT),
    "mixtral": lambda: transformers.MixtralForCausalLM(transformers.MixtralConfig(**EXPERTS, num_local_experts=3)),
    "qwen2-moe": lambda: transformers.Qwen2MoeForCausalLM(
        transformers.Qwen2MoeConfig(
            **EXPERTS, num_experts=3, moe_intermediate_size=24, shared_expert_intermediate_size=40
        )
    ),
    # Its experts have their inputs before their outputs, and biases.
    "gpt-oss": lambda: transformers.GptOssForCausalLM(
        transformers.GptOssConfig(**EXPERTS, head_dim=8, num_local_experts=3)
    ),
}

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]

#: Name → base, settings, type of the weights.
CASES = {
    "llama-lora": ("llama", {"target_modules": ["q_proj", "v_proj"]}),
    "llama-rslora": ("llama", {"target_modules": ATTENTION, "use_rslora": True, "r": 16, "lora_alpha": 12.5}),
    "llama-dora": ("llama", {"target_modules": ["q_proj", "down_proj"], "use_dora": True}),
    "llama-patterns": (
        "llama",
        {
            "target_modules": [*ATTENTION, "down_proj"],
            "rank_pattern": {"q_proj": 2, r"^model\.layers\.[01]\.mlp\.down_proj": 12, "layers.2.self_attn.k_proj": 5},
            "alpha_pattern": {"o_proj": 3, r".*\.2\..*v_proj": 7.5},
        },
    ),
    "llama-one-scaling": (
        "llama",
        {
            "target_modules": ATTENTION,
            "rank_pattern": {"q_proj": 16},
            "alpha_pattern": {"q_proj": 32},
            "lora_alpha": 8,
            "r": 4,
        },
    ),
    "llama-expression": ("llama", {"target_modules": r"model\.layers\.(0|2)\..*\.(q|v)_proj"}),
    "llama-all-linear": ("llama", {"target_modules": "all-linear"}),
    "llama-excluded": (
        "llama",
        {"target_modules": [*ATTENTION], "exclude_modules": ["layers.1.self_attn.q_proj", "k_proj"]},
    ),
    "llama-excluded-expression": ("llama", {"target_modules": [*ATTENTION], "exclude_modules": r".*\.1\..*"}),
    "llama-some-layers": ("llama", {"target_modules": ATTENTION, "layers_to_transform": [0, 2]}),
    "llama-some-layers-by-name": (
        "llama",
        {"target_modules": ATTENTION, "layers_to_transform": 1, "layers_pattern": "layers"},
    ),
    "llama-full-names": (
        "llama",
        {"target_modules": ["model.layers.0.self_attn.q_proj", "model.layers.1.mlp.up_proj"]},
    ),
    "llama-embeddings": ("llama", {"target_modules": ["embed_tokens", "q_proj", "lm_head"]}),
    "llama-dora-embedding": ("llama", {"target_modules": ["embed_tokens"], "use_dora": True}),
    "llama-saved-head": ("llama", {"target_modules": ["q_proj"], "modules_to_save": ["lm_head", "embed_tokens"]}),
    "llama-saved-norm": ("llama", {"target_modules": ["q_proj"], "modules_to_save": ["norm"]}),
    "llama-saved-block": ("llama", {"target_modules": ["q_proj", "gate_proj"], "modules_to_save": ["layers.0.mlp"]}),
    "llama-lora-bias": ("llama", {"target_modules": ["q_proj"], "lora_bias": True}),
    "llama-tokens": ("llama", {"target_modules": ["q_proj"], "trainable_token_indices": [1, 2, 5]}),
    "llama-named-tokens": (
        "llama",
        {"target_modules": ["q_proj"], "trainable_token_indices": {"embed_tokens": [3, 7]}},
    ),
    "llama-half": ("llama", {"target_modules": ["q_proj"]}, torch.float16),
    "llama-brain": ("llama", {"target_modules": ["q_proj"]}, torch.bfloat16),
    "llama-double": ("llama", {"target_modules": ["q_proj"]}, torch.float64),
    "llama-eighth": ("llama", {"target_modules": ["q_proj"]}, torch.float8_e4m3fn),
    "llama-pissa": ("llama", {"target_modules": ["q_proj"], "init_lora_weights": "pissa"}),
    "llama-activated": ("llama", {"target_modules": ["q_proj"], "alora_invocation_tokens": [1, 2]}),
    "llama-activated-by-nothing": ("llama", {"target_modules": ["q_proj"], "alora_invocation_tokens": []}),
    "mistral-lora": ("mistral", {"target_modules": ["gate_proj", "up_proj", "down_proj"]}),
    "mistral-embeddings": ("mistral", {"target_modules": ["embed_tokens", "q_proj"]}),
    "qwen2-bias-all": ("qwen2", {"target_modules": ["q_proj", "o_proj"], "bias": "all"}),
    "qwen2-bias-of-targets": ("qwen2", {"target_modules": ["q_proj", "o_proj"], "bias": "lora_only"}),
    "qwen2-classifier": ("qwen2-classifier", {"target_modules": ["q_proj"], "task_type": "SEQ_CLS"}),
    "qwen2-classifier-norm": (
        "qwen2-classifier",
        {"target_modules": ["q_proj"], "task_type": "SEQ_CLS", "modules_to_save": ["norm"]},
    ),
    "bert-classifier": ("bert-classifier", {"target_modules": ["query"], "task_type": "SEQ_CLS"}),
    "gpt2-lora": ("gpt2", {"target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True}),
    "gpt2-dora": ("gpt2", {"target_modules": ["c_attn", "mlp.c_fc"], "use_dora": True, "fan_in_fan_out": True}),
    "gpt2-embeddings": ("gpt2", {"target_modules": ["wte", "wpe", "c_fc"], "fan_in_fan_out": True}),
    "gpt2-bias-all": ("gpt2", {"target_modules": ["c_attn"], "bias": "all", "fan_in_fan_out": True}),
    "opt-lora": ("opt", {"target_modules": ["q_proj", "out_proj", "fc1"]}),
    "vit-convolution": ("vit", {"target_modules": ["projection", "query"], "task_type": None}),
    "llama-parameters": (
        "llama",
        {"target_modules": [], "target_parameters": ["q_proj.weight", "model.layers.1.mlp.up_proj.weight"]},
    ),
    "gpt2-parameters": ("gpt2", {"target_modules": [], "target_parameters": ["c_attn.weight", "wte.weight"]}),
    "mixtral-all-linear": ("mixtral", {"target_modules": "all-linear"}),
    "mixtral-old-names": ("mixtral", {"target_modules": ["q_proj", "w1", "w2", "w3"]}),
    "qwen2-moe-experts": ("qwen2-moe", {"target_modules": ["q_proj"], "target_parameters": ["experts.down_proj"]}),
    "qwen2-moe-patterns": (
        "qwen2-moe",
        {
            "target_modules": [],
            "target_parameters": ["experts.gate_up_proj", "experts.down_proj", "mlp.gate.weight"],
            "rank_pattern": {"down_proj": 2, r".*\.0\..*gate_up_proj": 12, "mlp.gate.weight": 1},
            "alpha_pattern": {"gate_up_proj": 4},
        },
    ),
    "gpt-oss-all-linear": (
        "gpt-oss",
        {"target_modules": "all-linear", "target_parameters": ["experts.gate_up_proj", "experts.down_proj"]},
    ),
    "gpt-oss-biases": (
        "gpt-oss",
        {
            "target_modules": ["q_proj"],
            "target_parameters": ["experts.gate_up_proj", "experts.down_proj_bias", "experts.down_proj"],
        },
    ),
    "vit-dora-convolution": ("vit", {"target_modules": ["projection"], "use_dora": True, "task_type": None}),
}

#: Settings whose matching is compared name by name, without weights.
MATCHES = [
    {"target_modules": r".*(q|k)_proj"},
    {"target_modules": r"(?i)MODEL\..*Q_PROJ"},
    {"target_modules": r"a|model\.layers\.0\.mlp\.up_proj"},
    {"target_modules": r"model\.layers\.[0-9]{1,2}\.self_attn\.\w+"},
    {
        "target_modules": r"(?:.*?(?:self_attn|mlp).*?(?:q_proj|up_proj).*?)"
        r"|(?:\bmodel\.layers\.[\d]{1,}\.mlp\.(?:(?:gate_proj)))"
    },
    {"target_modules": r"(?P<where>model)\.layers\.2\..*"},
    {"target_modules": ["proj"]},
    {"target_modules": ["mlp.up_proj", "1.self_attn.q_proj"]},
    {"target_modules": ["self_attn.q_proj"], "layers_to_transform": []},
    {"target_modules": ["q_proj"], "layers_to_transform": [2], "layers_pattern": ["h", "layers"]},
    {"target_modules": ["q_proj", "c_attn"], "layers_to_transform": [0], "layers_pattern": "h"},
    {"target_modules": ["q_proj", "model.layers.0.self_attn.q_proj"], "layers_to_transform": [1]},
    {"target_modules": ["q_proj", "lm_head"], "exclude_modules": "lm.head"},
    {"target_modules": ["q_proj", "k_proj"], "modules_to_save": ["layers.1", "k_proj"]},
    {
        "target_modules": ["c_attn", "q_proj"],
        "rank_pattern": {"attn": 3, "h.0.attn.c_attn": 4, "c.attn": 5, "q_proj|x": 6},
    },
    {
        "target_modules": ["c_attn", "q_proj"],
        "rank_pattern": {"^c_attn": 3, ".*c_attn": 4, "^model.layers.1.self_attn.q_proj": 9},
    },
    {"target_modules": ["q_proj"], "rank_pattern": {r"(0|1).self_attn.q_proj": 3, r"q_proj": 4}},
]


def layer(name, module):
    if isinstance(module, torch.nn.Linear):
        return {
            "name": name,
            "kind": "KIND_LINEAR",
            "inputFeatures": module.in_features,
            "outputFeatures": module.out_features,
        }
    if isinstance(module, Conv1D):
        rows, columns = module.weight.shape
        return {"name": name, "kind": "KIND_TRANSPOSED_LINEAR", "inputFeatures": rows, "outputFeatures": columns}
    if isinstance(module, torch.nn.Embedding):
        return {
            "name": name,
            "kind": "KIND_EMBEDDING",
            "inputFeatures": module.num_embeddings,
            "outputFeatures": module.embedding_dim,
        }
    if isinstance(module, torch.nn.Conv2d):
        return {
            "name": name,
            "kind": "KIND_CONVOLUTION",
            "inputFeatures": module.in_channels,
            "outputFeatures": module.out_channels,
        }
    return None


def parameters(name, module):
    for place, (own, parameter) in enumerate(module.named_parameters(recurse=False)):
        if parameter.dim() < 2:
            continue
        *experts, rows, columns = parameter.shape
        is_transposed = bool(experts) and getattr(module, "is_transposed", False)
        yield {
            "name": f"{name}.{own}",
            "kind": "KIND_PARAMETER",
            "inputFeatures": rows if is_transposed else columns,
            "outputFeatures": columns if is_transposed else rows,
            "matrixCount": experts[0] if experts else 1,
            "parameterPlace": place,
        }


def describe(name, model):
    layers = []
    for key, module in model.named_modules():
        found = layer(key, module)
        layers += [found] if found else parameters(key, module)
    return {
        "name": f"tiny/{name}",
        "revision": "main",
        "weightsDigest": "a" * 64,
        "tokenizerDigest": "b" * 64,
        "architecture": type(model).__name__,
        "modelType": model.config.model_type,
        "hiddenSize": 32,
        "vocabularySize": 96,
        "layers": layers,
    }


def build(name):
    torch.manual_seed(1)
    model = BASES[name]()
    model.config._name_or_path = f"tiny/{name}"
    model.name_or_path = f"tiny/{name}"
    return model


def make(folder, base, settings, dtype=torch.float32):
    model = build(base)
    config = LoraConfig(**{"task_type": "CAUSAL_LM", "init_lora_weights": False, "r": 8, "lora_alpha": 16, **settings})
    adapted = get_peft_model(model, config)
    for name, parameter in adapted.named_parameters():
        if parameter.requires_grad:
            parameter.data = (
                (torch.rand_like(parameter) - 0.5).to(dtype) if "lora" in name else torch.rand_like(parameter)
            )
    adapted.save_pretrained(folder)
    tuner = adapted.base_model
    modules = dict(tuner.model.named_modules())
    wrapped = {key: modules[key] for key in tuner.targeted_module_names}
    wrapped |= {key: wrapper_of(modules, key) for key in tuner.targeted_parameter_names}
    ranks = {key: module.r["default"] for key, module in wrapped.items()}
    return {"base": base, "ranks": ranks}


def wrapper_of(modules, key):
    """What PEFT put around the module of a parameter."""
    name, _, parameter = key.rpartition(".")
    module = modules[name]
    while getattr(module, "parameter_name", None) != parameter:
        module = module.base_layer
    return module


def match(config, names):
    found = [name for name in names if check_target_module_exists(config, name)]
    return {
        name: config.rank_pattern.get(get_pattern_key(config.rank_pattern.keys(), name), config.r) for name in found
    }


def main():
    folder = Path(sys.argv[1])
    wanted = sys.argv[2:] or list(CASES)
    bases = {name: describe(name, build(name)) for name in BASES}
    cases = {name: make(folder / name, *CASES[name]) for name in wanted}
    names = [one["name"] for base in ("llama", "gpt2") for one in bases[base]["layers"]]
    matches = [{"settings": one, "ranks": match(LoraConfig(**one), names)} for one in MATCHES]
    (folder / "cases.json").write_text(json.dumps({"bases": bases, "cases": cases, "matches": matches}))


main()
