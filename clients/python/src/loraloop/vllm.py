"""vLLM asks the registry for adapters that it does not know: a model `legal-qa@production` or `legal-qa@3`.

Installed beside vLLM, it is loaded by itself (plugin `loraloop` of `vllm.general_plugins`; VLLM_PLUGINS, where it is
set, must name it) and needs VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 and `--enable-lora`. It reads LORALOOP_ADDRESS and
LORALOOP_TOKEN (a token with `registry.read`), LORALOOP_REGISTRY_ADDRESS and LORALOOP_REGISTRY_TOKEN where the registry
is elsewhere, and LORALOOP_ADAPTER_CACHE for the folder of adapters.

The registry must know the base model by the name or folder that vLLM serves, a folder however it is written; with
HF_HUB_OFFLINE=1 vLLM serves `…/models--<org>--<name>/snapshots/<commit>` of the Hub's cache, which is known by
`<org>/<name>`. The weights in a folder are compared with the registered digest, once a process. LORALOOP_BASE_MODEL
(`name` or `name@revision`) says instead which one it is, e.g. of a quantised copy; then nothing is compared.

vLLM keeps what a name stands for until it unloads it: an alias that moves is seen after `/v1/unload_lora_adapter`.
Whoever must see moves at once resolves the alias and asks vLLM for `<adapter>@<number>`.
"""

from __future__ import annotations

import asyncio
import logging
import os

from loraloop._registry.served_base import served_base
from loraloop._registry.values import BaseModel, BaseModelReference
from loraloop.client import Client
from loraloop.errors import ConfigurationError, LoraloopError, MissingExtraError

try:
    from vllm.lora.request import LoRARequest
    from vllm.lora.resolver import LoRAResolver, LoRAResolverRegistry
except ImportError as missing:
    raise MissingExtraError("loraloop.vllm is a plugin of vLLM, which is not installed") from missing

__all__ = ["RegistryResolver", "register"]

#: Below vLLM's own, which has a handler.
_log = logging.getLogger("vllm.plugins.loraloop")


def register() -> None:
    """What vLLM calls when it starts."""
    LoRAResolverRegistry.register_resolver("loraloop", RegistryResolver())


class RegistryResolver(LoRAResolver):  # type: ignore[misc]
    """Gives vLLM folders whose files were compared with their digests, of versions that it may and can serve."""

    def __init__(self) -> None:
        self._client = Client()

    async def resolve_lora(self, base_model_name: str, lora_name: str) -> LoRARequest | None:
        """None, with the reason in the log, where the registry does not let it be served on this base model."""
        if "@" not in lora_name:
            return None
        try:
            return await asyncio.to_thread(self._resolve, base_model_name, lora_name)
        except (LoraloopError, OSError) as error:
            _log.warning("%s is not served: %s", lora_name, error)
            return None

    def _resolve(self, base_model_name: str, lora_name: str) -> LoRARequest:
        version = self._client.registry.resolve(lora_name, engine="vllm")
        trained_on = version.base_model
        served = self._served(base_model_name, trained_on)
        if (served.name, served.revision) != (trained_on.name, trained_on.revision):
            raise ConfigurationError(
                f"{version.name} was trained on {trained_on.name}@{trained_on.revision}, "
                f"vLLM serves {served.name}@{served.revision}"
            )
        folder = self._client.registry.download(version, cache=os.environ.get("LORALOOP_ADAPTER_CACHE") or None)
        # vLLM gives it a number of its own.
        return LoRARequest(lora_name=version.name, lora_int_id=1, lora_path=str(folder))

    def _served(self, base_model_name: str, trained_on: BaseModelReference) -> BaseModel:
        said = os.environ.get("LORALOOP_BASE_MODEL")
        if said:
            return self._client.registry.get_base_model(*said.split("@", 1))
        return served_base(self._client.registry, base_model_name, trained_on)
