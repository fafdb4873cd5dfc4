from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from loraloop._registry.values import AdapterVersion
from loraloop.errors import MissingExtraError

if TYPE_CHECKING:
    from peft import LoraConfig


def lora_config(version: AdapterVersion) -> LoraConfig:
    """PEFT's configuration of a version, to train with: `peft.get_peft_model(base, lora_config(version))`.

    It is what PEFT reads from the version's `adapter_config.json`, but with `inference_mode=False`: PEFT saves every
    adapter as one for inference, of which nothing would be trained. It makes new weights; those of the version are
    trained further by `peft.PeftModel.from_pretrained(base, client.registry.download(version), is_trainable=True)`.
    Lists and watches leave the configuration out: `client.registry.get_version(version.name)` has it.
    """
    try:
        from peft import LoraConfig
    except ImportError as missing:
        raise MissingExtraError('lora_config() needs peft: pip install "loraloop[train]"') from missing
    if not version.peft.configuration_json:
        raise ValueError(f"{version.name} comes without its configuration: take it from client.registry.get_version")
    with TemporaryDirectory() as folder:
        (Path(folder) / "adapter_config.json").write_text(version.peft.configuration_json, "utf-8")
        read = LoraConfig.from_pretrained(folder)
    if not isinstance(read, LoraConfig):
        raise ValueError(f"{version.name} is no LoRA adapter")
    read.inference_mode = False
    return read
