"""What a registration says of the base model that was really used, and what the registry makes of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import peft
import pytest
import torch
from transformers import AutoModelForCausalLM

import loraloop
from loraloop import BaseModelReference, Client
from loraloop._registry.base_model_folder import weights_digest
from tests.adapters import adapted, load_base_model, save_base_model
from tests.hub_cache import kept_folder
from tests.server import LoraloopUp

# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """PEFT looks on the Hub for models that are not here."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture
def base(client: Client, tmp_path: Path) -> Path:
    """The folder of a base model that is registered by its name and by this folder."""
    folder = tmp_path / "base"
    client.registry.register_base_model(save_base_model("llama", folder), name=f"used/{tmp_path.name}")
    return folder


def trained_on(folder: Path) -> peft.PeftModel:
    return adapted(load_base_model(folder), target_modules=["q_proj"])


def refusal(client: Client, source: peft.PeftModel | Path) -> str:
    """Why nothing was registered."""
    with pytest.raises(loraloop.BaseModelMismatchError) as caught:
        client.registry.register(source, adapter="refused", alias="production")
    with pytest.raises(loraloop.NotFoundError):
        client.registry.get_adapter("refused")
    return caught.value.reason


def test_other_weights_of_the_same_shapes_are_refused(client: Client, base: Path, tmp_path: Path) -> None:
    registered = client.registry.get_base_model(str(base))
    save_base_model("llama", base, seed=1)
    model, saved = trained_on(base), tmp_path / "saved"
    model.save_pretrained(str(saved))
    assert [refusal(client, source) for source in (model, saved)] == ["BASE_MODEL_MISMATCH"] * 2
    # Whoever names the base model knows it better; what is said of it is compared.
    version = client.registry.register(model, adapter=tmp_path.name, base_model=registered.name)
    assert version.base_model.weights_digest == registered.weights_digest
    other = BaseModelReference(registered.name, weights_digest=weights_digest(base))
    with pytest.raises(loraloop.BaseModelMismatchError):
        client.registry.register(model, adapter="refused", base_model=other)


def test_another_tokenizer_is_refused(client: Client, base: Path) -> None:
    (base / "special_tokens_map.json").write_text('{"eos_token": "<unk>"}')
    assert refusal(client, trained_on(base)) == "TOKENIZER_MISMATCH"


def test_where_it_was_loaded_from_counts_and_not_where_its_adapter_was_made(
    client: Client, base: Path, tmp_path: Path
) -> None:
    saved, other = tmp_path / "saved", tmp_path / "other"
    trained_on(base).save_pretrained(str(saved))
    save_base_model("llama", other, seed=1)
    assert refusal(client, peft.PeftModel.from_pretrained(load_base_model(other), str(saved))) == "BASE_MODEL_MISMATCH"
    shutil.copytree(base, tmp_path / "copy")
    continued = peft.PeftModel.from_pretrained(load_base_model(tmp_path / "copy"), str(saved))
    assert client.registry.register(continued, adapter=tmp_path.name).version == 1


def test_what_cannot_be_compared_is_not(client: Client, base: Path, tmp_path: Path) -> None:
    model, versions = trained_on(base), []
    with torch.no_grad():
        next(model.get_base_model().parameters()).add_(1)
    versions.append(client.registry.register(model, adapter=tmp_path.name).version)
    configuration = json.loads((base / "config.json").read_text())
    quantised = {**configuration, "quantization_config": {"quant_method": "gptq", "bits": 4}}
    (base / "config.json").write_text(json.dumps(quantised))
    shutil.copy(base / "model.safetensors", base / "more.safetensors")
    versions.append(client.registry.register(model, adapter=tmp_path.name).version)
    (base / "config.json").write_text(json.dumps(configuration))
    for weights in base.glob("*.safetensors"):
        weights.unlink()
    versions.append(client.registry.register(model, adapter=tmp_path.name).version)
    shutil.rmtree(base)
    versions.append(client.registry.register(model, adapter=tmp_path.name).version)
    assert versions == [1, 2, 3, 4]


def test_a_model_of_the_hub_is_compared_with_what_its_client_keeps(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = kept_folder(tmp_path, "used/hub")
    save_base_model("llama", snapshot)
    base = AutoModelForCausalLM.from_pretrained("used/hub", cache_dir=tmp_path, local_files_only=True)
    # The tokenizer comes into the cache when it is loaded, maybe later.
    shutil.copytree(snapshot, tmp_path / "whole")
    for file in snapshot.glob("tokenizer*"):
        file.unlink()
    assert client.registry.register_base_model(base).tokenizer_digest == ""
    shutil.copytree(tmp_path / "whole", snapshot, dirs_exist_ok=True)
    model = adapted(base, target_modules=["q_proj"])
    version = client.registry.register(model, adapter="of-the-hub")
    assert version.base_model.name == "used/hub"
    save_base_model("llama", snapshot, seed=1)
    assert refusal(client, model) == "BASE_MODEL_MISMATCH"
    # Which commit these were trained on is not known.
    model.save_pretrained(str(tmp_path / "saved"))
    assert client.registry.register(tmp_path / "saved", adapter="of-the-hub").version == 2
    shutil.copytree(snapshot, snapshot.with_name("9876543210" * 4))
    assert client.registry.register(model, adapter="of-the-hub").version == 3


def test_what_nobody_asked_the_hub_for_is_not_missed(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = kept_folder(tmp_path, "used/partly")
    save_base_model("llama", snapshot)
    shutil.copytree(snapshot, tmp_path / "whole")
    # As repositories have them beside what transformers loads.
    shutil.copy(snapshot / "model.safetensors", tmp_path / "whole" / "consolidated.safetensors")
    (tmp_path / "whole" / "tokenizer.model").write_bytes(b"sentencepiece")
    client.registry.register_base_model(tmp_path / "whole", name="used/partly", revision=snapshot.name)
    base = AutoModelForCausalLM.from_pretrained("used/partly", cache_dir=tmp_path, local_files_only=True)
    model = adapted(base, target_modules=["q_proj"])
    assert client.registry.register(model, adapter="partly").base_model.name == "used/partly"


def test_weights_are_read_once_while_their_file_stays(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"one")
    status, digest = file.stat(), weights_digest(tmp_path)
    file.write_bytes(b"two")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert weights_digest(tmp_path) == digest
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert weights_digest(tmp_path) != digest


def test_what_is_no_adapter_is_named(client: Client, base: Path) -> None:
    with pytest.raises(loraloop.ConfigurationError, match=r"not of a LlamaForCausalLM: .*get_peft_model"):
        client.registry.register(load_base_model(base), adapter="plain")  # type: ignore[arg-type]
