"""The layers of a base model that adapters may target."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from loraloop._registry.values import Layer

if TYPE_CHECKING:
    import torch

#: Models whose linear layers are transformers' Conv1D: they keep their weights the other way round.
_TRANSPOSED_MODELS = frozenset({"decision_transformer", "gpt2", "imagegpt", "openai-gpt"})
_TRANSPOSED_LAYER = re.compile(r"(^|\.)(c_attn|c_proj|c_fc|q_attn)$")
_EMBEDDING = re.compile(
    r"(^|\.)(wte|wpe|shared|relative_attention_bias|embed_in|embed_tokens|embed_positions|\w*embeddings?)$", re.ASCII
)
_HEAD = re.compile(r"(^|\.)(lm_head|embed_out)$|^output$")
_WITH_HEAD = ("ForCausalLM", "LMHeadModel")
_SHARED = re.compile(r"(^|\.)shared$")
#: Under which names PEFT's modules have what they were put around.
_WRAPPED = ("base_layer", "original_module", "token_adapter")
#: In a name that the registry would not take.
_UNNAMED = re.compile(r"[\s\x00-\x1f\x7f-\x9f]|^$")


def layers_of(model: torch.nn.Module) -> Sequence[Layer]:
    """Of a model of torch, also one that PEFT has already changed: what it has put into the model is left out."""
    found: dict[str, Layer] = {}
    order = _ParameterOrder(model)
    for name, module in _modules(model):
        layer = _layer_of(name, module)
        for one in _parameters_of(name, module, order) if layer is None else [layer]:
            found[one.name] = one
    return _in_order(found.values())


def layers_from(
    shapes: Mapping[str, Sequence[int]], configuration: Mapping[str, Any], vocabulary_size: int
) -> Sequence[Layer]:
    """Of what a model has saved: names of tensors with their shapes, and its `config.json`.

    A tensor `x.weight` of rank 2 is a linear layer or an embedding, of a higher rank a convolution. A model that was
    saved without its head, or whose parts share an embedding, has all of them all the same.
    """
    architecture = str((configuration.get("architectures") or [""])[0])
    model_type = str(configuration.get("model_type", ""))
    with_head = architecture.endswith(_WITH_HEAD)
    prefix = _missing_prefix(shapes, model_type) if with_head else ""
    layers: list[Layer] = []
    for tensor, shape in shapes.items():
        name, dot, kind = tensor.rpartition(".")
        if dot and kind == "weight" and len(shape) > 1:
            layers.append(_layer_from(name if _HEAD.search(name) else prefix + name, shape, model_type))
    layers.extend(_sharing_embedding(layers, architecture))
    return _in_order([*layers, *(_shared_head(layers, model_type, vocabulary_size) if with_head else ())])


def _modules(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module]]:
    """Those of the base model, each once, with the names that they have there."""
    wrappers = _wrappers()
    seen: set[torch.nn.Module] = set()

    def below(module: torch.nn.Module, name: str) -> Iterator[tuple[str, torch.nn.Module]]:
        if module in seen:
            return
        seen.add(module)
        if not isinstance(module, wrappers):
            yield name, module
        for own, child in module.named_children():
            if not isinstance(module, wrappers):
                yield from below(child, f"{name}.{own}" if name else own)
            elif own in _WRAPPED:
                yield from below(child, name)

    return below(model, "")


def _wrappers() -> tuple[type, ...]:
    try:
        from peft.tuners.tuners_utils import BaseTunerLayer
        from peft.utils.other import AuxiliaryTrainingWrapper
    except ImportError:
        return ()
    return (BaseTunerLayer, AuxiliaryTrainingWrapper)


def _layer_of(name: str, module: torch.nn.Module) -> Layer | None:
    import torch

    if isinstance(module, torch.nn.Linear):
        return Layer(name, "LINEAR", module.in_features, module.out_features)
    if isinstance(module, torch.nn.Embedding):
        return Layer(name, "EMBEDDING", module.num_embeddings, module.embedding_dim)
    if isinstance(module, (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)):
        return Layer(name, "CONVOLUTION", module.in_channels, module.out_channels)
    if type(module).__name__ == "Conv1D":
        weight: Any = module.weight
        return Layer(name, "TRANSPOSED_LINEAR", *weight.shape)
    return None


class _ParameterOrder:
    """In which order modules define their parameters: each forward pass of PEFT puts those that it adapts last."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self._defined: Mapping[str, torch.nn.Module] | None = None

    def names(self, name: str, module: torch.nn.Module) -> list[str]:
        own = [parameter for parameter, _ in module.named_parameters(recurse=False)]
        if len(own) < 2:
            return own
        if self._defined is None:
            self._defined = dict(_fresh(self._model).named_modules())
        fresh = self._defined.get(name, module)
        defined = [parameter for parameter, _ in fresh.named_parameters(recurse=False)]
        return defined if set(defined) == set(own) else own


def _fresh(model: torch.nn.Module) -> torch.nn.Module:
    """The same model without weights, as transformers makes it; another library's model as it is."""
    import torch

    make = getattr(type(model), "_from_config", None)
    if make is None:
        return model
    with torch.device("meta"):
        fresh: torch.nn.Module = make(copy.deepcopy(model.config))
    return fresh


def _parameters_of(name: str, module: torch.nn.Module, order: _ParameterOrder) -> Iterator[Layer]:
    """Those with matrices. Of three axes the first is the experts'; outputs come before inputs, or as a module says."""
    matrices = {own: parameter for own, parameter in module.named_parameters(recurse=False) if _is_matrix(parameter)}
    if not name or not matrices:
        return
    for place, own in enumerate(order.names(name, module)):
        if own not in matrices or _UNNAMED.search(own):
            continue
        *experts, outputs, inputs = matrices[own].shape
        if experts and getattr(module, "is_transposed", False):
            outputs, inputs = inputs, outputs
        yield Layer(f"{name}.{own}", "PARAMETER", inputs, outputs, experts[0] if experts else 1, place)


def _is_matrix(parameter: torch.nn.Parameter) -> bool:
    return parameter.dim() in (2, 3) and parameter.is_floating_point() and parameter.numel() > 0


def _layer_from(name: str, shape: Sequence[int], model_type: str) -> Layer:
    first, second = shape[:2]
    if len(shape) > 2:
        return Layer(name, "CONVOLUTION", second, first)
    if _EMBEDDING.search(name):
        return Layer(name, "EMBEDDING", first, second)
    if model_type in _TRANSPOSED_MODELS and _TRANSPOSED_LAYER.search(name):
        return Layer(name, "TRANSPOSED_LINEAR", first, second)
    return Layer(name, "LINEAR", second, first)


def _missing_prefix(tensors: Iterable[str], model_type: str) -> str:
    """Some checkpoints were saved from the model without its head: their blocks are at the top."""
    names = list(tensors)
    if any(name.startswith("h.0.") for name in names):
        return "transformer."
    if not any(name.startswith("layers.0.") for name in names):
        return ""
    return "gpt_neox." if model_type == "gpt_neox" else "model."


def _sharing_embedding(layers: Sequence[Layer], architecture: str) -> Iterator[Layer]:
    """An encoder, a decoder and a head that share one embedding have none of their own, as in T5 and BART."""
    shared = next((layer for layer in layers if _SHARED.search(layer.name)), None)
    if shared is None:
        return
    names = [layer.name for layer in layers]
    prefix = shared.name.removesuffix("shared")
    for part in (f"{prefix}encoder.", f"{prefix}decoder."):
        if any(name.startswith(part) for name in names) and f"{part}embed_tokens" not in names:
            yield replace(shared, name=f"{part}embed_tokens")
    if architecture.endswith("ForConditionalGeneration") and "lm_head" not in names:
        yield Layer("lm_head", "LINEAR", shared.output_features, shared.input_features)


def _shared_head(layers: Sequence[Layer], model_type: str, vocabulary_size: int) -> Iterator[Layer]:
    """A head that shares the embedding's weights has none of its own."""
    embeddings = [layer for layer in layers if layer.kind == "EMBEDDING"]
    if not embeddings or any(_HEAD.search(layer.name) for layer in layers):
        return
    tokens = next((layer for layer in embeddings if layer.input_features == vocabulary_size), embeddings[0])
    name = "embed_out" if model_type == "gpt_neox" else "lm_head"
    yield Layer(name, "LINEAR", tokens.output_features, tokens.input_features)


def _in_order(layers: Iterable[Layer]) -> Sequence[Layer]:
    return sorted(layers, key=lambda layer: layer.name.encode())
