"""Says of each model that vLLM registers whether its class has adapters, and for which embeddings.

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


models = {
    architecture: model_class(*place)
    for architecture, place in registry._VLLM_MODELS.items()
    if architecture not in LEFT_OUT
}
told = {
    architecture: {"adapters": supports_lora(model), "embeddings": sorted(getattr(model, "embedding_modules", ()))}
    for architecture, model in models.items()
    if model is not None
}
print(json.dumps(told))
