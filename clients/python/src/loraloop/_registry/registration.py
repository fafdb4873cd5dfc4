"""What a training leaves behind, as a request of RegisterVersion."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeAlias

from loraloop._connection import Connection
from loraloop._registry.digests import files_in
from loraloop._registry.messages import to_message
from loraloop._registry.signing import PrivateKey, sign_files
from loraloop._registry.trained_base import trained_base
from loraloop._registry.upload import upload
from loraloop._registry.values import BaseModel, BaseModelReference, Quantization
from loraloop.errors import ConfigurationError
from loraloop.registry.v1 import adapter_service_pb2 as pb
from loraloop.registry.v1 import base_model_service_pb2 as base_model_pb

if TYPE_CHECKING:
    import peft

#: A model of PEFT, a folder that PEFT has saved, or a URI (`file://…`, `s3://…`) that the registry may read itself.
AdapterSource: TypeAlias = "peft.PeftModel | str | os.PathLike[str]"
#: A name, or all that is known: then weights and tokenizer are compared too. Nothing is read of its files.
BaseModelName: TypeAlias = "str | BaseModel | BaseModelReference"


def add_files(
    connection: Connection, request: pb.RegisterVersionRequest, source: AdapterSource, private_key: PrivateKey | None
) -> None:
    """Sends the files where the registry does not have them, signed where there is a key.

    Says what the base model was where the request does not, as far as its files are here.
    """
    if isinstance(source, str) and source.startswith(("file://", "s3://")):
        if private_key is not None:
            raise ConfigurationError("files that stay where they are can be signed afterwards, with sign()")
        request.uri = source
        return
    with _saved(source) as folder:
        files = files_in(folder)
        request.artifact = upload(connection, folder, files)
        if not request.HasField("base_model"):
            request.base_model.MergeFrom(trained_base(connection, source, folder))
    if private_key is not None:
        request.signature_bundle_json = sign_files(files, private_key, request.adapter)


def quantization_of(source: AdapterSource) -> Quantization | None:
    """Of the base model of a PEFT model, as transformers has loaded it; None where it was not quantised."""
    given = getattr(getattr(source, "config", None), "quantization_config", None)
    if given is None:
        return None
    options: Mapping[str, Any] = given if isinstance(given, dict) else given.to_dict()
    library = getattr(options["quant_method"], "value", options["quant_method"])
    if library != "bitsandbytes":
        return Quantization(library, bits=int(options.get("bits", 0)))
    if not options.get("load_in_4bit"):
        return Quantization(library, "int8", 8)
    return Quantization(
        library,
        options["bnb_4bit_quant_type"],
        4,
        options["bnb_4bit_use_double_quant"],
        str(options["bnb_4bit_compute_dtype"]).removeprefix("torch."),
    )


def check_source(source: AdapterSource) -> None:
    """Refuses what no adapter can be taken of."""
    if isinstance(source, (str, os.PathLike)):
        return
    if not hasattr(source, "get_base_model"):
        raise ConfigurationError(
            f"an adapter is taken of a model of PEFT, a folder or a URI, not of a {type(source).__name__}: "
            "wrap the model with peft.get_peft_model before the training, and give what that returned"
        )
    if len(source.active_adapters) != 1:
        raise ConfigurationError(
            f"a version is one adapter, and active in the model are {list(source.active_adapters)}: "
            "make one of them active with model.set_adapter(…) and register each by itself"
        )


def to_reference(base_model: BaseModelName) -> base_model_pb.BaseModelReference:
    """What a version says that it was trained on."""
    if isinstance(base_model, str):
        return base_model_pb.BaseModelReference(name=base_model)
    if isinstance(base_model, BaseModelReference):
        return to_message(base_model_pb.BaseModelReference, base_model)
    return base_model_pb.BaseModelReference(
        name=base_model.name,
        revision=base_model.revision,
        weights_digest=base_model.weights_digest,
        tokenizer_digest=base_model.tokenizer_digest,
    )


@contextmanager
def _saved(source: AdapterSource) -> Iterator[Path]:
    """The folder of an adapter; a model's active adapter is saved into one that goes afterwards."""
    if isinstance(source, (str, os.PathLike)):
        yield Path(source)
        return
    with TemporaryDirectory(prefix="loraloop-") as folder:
        (name,) = source.active_adapters
        source.save_pretrained(folder, selected_adapters=[name])
        yield Path(folder) if name == "default" else Path(folder, name)
