"""Loads the adapters that make_adapters.py made as vLLM's workers do, without a server.

Writes why each was refused, or null, as JSON.
"""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

from vllm.config.lora import LoRAConfig
from vllm.lora.lora_model import LoRAModel
from vllm.lora.peft_helper import PEFTHelper
from vllm.model_executor.models.interfaces import supports_lora
from vllm.model_executor.models.registry import ModelRegistry

folder = Path(sys.argv[1])
made = json.loads((folder / "cases.json").read_text())


def adapted_modules(base):
    """Ends of the names of the modules that vLLM adapts in a model."""
    known = ModelRegistry._normalize_arch(base["architecture"], SimpleNamespace())
    model = ModelRegistry._try_load_model_cls(known)
    if model is None or not supports_lora(model):
        return set()
    ends = {one["name"].rsplit(".", 1)[-1] for one in base["layers"] if one["kind"] == "KIND_LINEAR"}
    return ends - {"lm_head"} | set(model.embedding_modules)


def refusal(name, case):
    base = made["bases"][case["base"]]
    place = str(folder / name)
    try:
        helper = PEFTHelper.from_local_dir(place, 256)
        helper.validate_legal(LoRAConfig(max_lora_rank=16, max_loras=1))
        size = base["vocabularySize"]
        modules = adapted_modules(base)
        LoRAModel.from_local_checkpoint(place, modules, helper, lora_model_id=1, device="cpu", model_vocab_size=size)
    except (ValueError, RuntimeError) as error:
        return str(error)
    return None


print(json.dumps({name: refusal(name, case) for name, case in made["cases"].items()}))
