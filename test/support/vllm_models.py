"""Says of each model that vLLM registers whether its class has adapters, for which embeddings, and what lies beside its
language model.

Models that cannot be imported here, e.g. those that need torchvision, are left out, and so are those that only draft
for others. Writes JSON by architecture.
"""

import importlib
import json

from vllm.model_executor.models import registry
from vllm.model_executor.models.interfaces import supports_lora

LEFT_OUT = {**registry._SPECULATIVE_DECODING_MODELS, **registry._TRANSFORMERS_BACKEND_MODELS}


def model_class(module, name):
    try:
        return getattr(importlib.import_module(registry._resolve_module_name(module)), name)
    except ImportError:
        return None


def beside_language(model):
    """Names of towers and connectors; none where only an instance could tell them."""
    try:
        mapping = model.get_mm_mapping(None)
    except (AttributeError, TypeError):
        return []
    return sorted({name.rstrip(".") for name in [*mapping.tower_model, *mapping.connector]})


models = {
    architecture: model_class(*place)
    for architecture, place in registry._VLLM_MODELS.items()
    if architecture not in LEFT_OUT
}
told = {
    architecture: {
        "adapters": supports_lora(model),
        "embeddings": sorted(getattr(model, "embedding_modules", ())),
        "beside": beside_language(model),
    }
    for architecture, model in models.items()
    if model is not None
}
print(json.dumps(told))
