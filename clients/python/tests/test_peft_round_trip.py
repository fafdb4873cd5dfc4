"""Adapters of real PEFT, registered, downloaded and loaded again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peft
import pytest
import torch

from loraloop import AdapterRefusedError, AdapterVersion, Client, lora_config
from tests.adapters import ARCHITECTURES, adapted, load_base_model, logits, save_base_model
from tests.server import LoraloopUp

# The libraries' own.
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
ATTENTION = {
    "llama": ["q_proj", "v_proj"],
    "gpt2": ["c_attn"],
    "gpt_neox": ["query_key_value"],
    "qwen2": ["q_proj", "k_proj"],
    "opt": ["q_proj", "v_proj"],
    "t5": ["q", "v", "wo"],
    "bart": ["q_proj", "v_proj"],
    "bert": ["query", "value"],
}
#: What PEFT can be told, of a Llama.
VARIANTS: dict[str, dict[str, Any]] = {
    "lora": {"target_modules": ["q_proj", "v_proj"]},
    "all-linear": {"target_modules": "all-linear", "r": 2, "lora_dropout": 0.1},
    "regular-expression": {"target_modules": r".*layers\.1\..*(up|down)_proj"},
    "rslora": {"target_modules": ["o_proj"], "use_rslora": True},
    "dora": {"target_modules": ["q_proj", "down_proj"], "use_dora": True},
    "patterns": {
        "target_modules": ["q_proj", "k_proj", "v_proj"],
        "rank_pattern": {"k_proj": 2, r"layers\.1\.self_attn\.v_proj": 8},
        "alpha_pattern": {"k_proj": 32},
    },
    "embedding": {"target_modules": ["embed_tokens", "q_proj"]},
    "whole-head": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
    "biases": {"target_modules": ["q_proj"], "lora_bias": True},
    "one-layer": {"target_modules": ["v_proj"], "layers_to_transform": [1]},
}


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture(scope="module")
def bases(client: Client, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each architecture, registered from its model."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ARCHITECTURES}
    for name, folder in folders.items():
        client.registry.register_base_model(save_base_model(name, folder), name=f"round-trip/{name}")
    return folders


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_adapter_of_each_architecture_says_the_same(
    client: Client, bases: dict[str, Path], tmp_path: Path, architecture: str
) -> None:
    version = check(client, bases[architecture], tmp_path, architecture, {"target_modules": ATTENTION[architecture]})
    assert version.base_model.name == f"round-trip/{architecture}"


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_adapter_of_each_kind_says_the_same(
    client: Client, bases: dict[str, Path], tmp_path: Path, variant: str
) -> None:
    check(client, bases["llama"], tmp_path, variant, VARIANTS[variant])


@pytest.mark.parametrize("by", ["model", "folder"])
@pytest.mark.parametrize(
    ("mixture", "targets"),
    [
        ("mixtral", ["q_proj", "v_proj"]),
        # Each expert has layers of these names in the files, and only the shared one in the model.
        ("qwen2_moe", ["q_proj", "gate_proj", "up_proj", "down_proj"]),
        ("qwen2_moe", "all-linear"),
    ],
)
def test_an_adapter_of_a_mixture_without_its_experts_says_the_same(
    client: Client, tmp_path: Path, mixture: str, targets: str | list[str], by: str
) -> None:
    folder = tmp_path / "base"
    model = save_base_model(mixture, folder)
    client.registry.register_base_model(model if by == "model" else folder, name=f"{mixture}/{tmp_path.name}")
    name = f"{mixture}-{len(targets)}-{by}"
    version = check(client, folder, tmp_path / "cache", name, {"target_modules": targets})
    assert [place.engine for place in version.servability if place.servable] == ["peft", "vllm"]


# PEFT looks for patterns among modules only, though it uses them for parameters too.
@pytest.mark.filterwarnings("ignore:The following (rank|alpha)_pattern keys:RuntimeWarning")
@pytest.mark.parametrize("by", [["model"], ["folder", "model"], ["model", "folder"]], ids="+".join)
@pytest.mark.parametrize(
    ("mixture", "options"),
    [
        ("mixtral", {"target_modules": "all-linear"}),
        ("mixtral", {"target_modules": [], "target_parameters": ["mlp.experts.down_proj"], "use_rslora": True}),
        ("mixtral", {"target_modules": ["q_proj"], "modules_to_save": ["experts", "gate"]}),
        (
            "qwen2_moe",
            {
                "target_modules": ["q_proj", "gate_proj"],
                "target_parameters": ["experts.gate_up_proj", "experts.down_proj", "gate.weight"],
                "rank_pattern": {"experts.down_proj": 2},
            },
        ),
        ("qwen2_moe", {"target_modules": [], "target_parameters": ["gate_proj.weight"]}),
        ("gpt_oss", {"target_modules": "all-linear", "target_parameters": ["experts.gate_up_proj", "router.weight"]}),
    ],
)
def test_an_adapter_of_experts_says_the_same(
    client: Client, tmp_path: Path, mixture: str, options: dict[str, Any], by: list[str]
) -> None:
    folder = tmp_path / "base"
    sources = {"model": save_base_model(mixture, folder), "folder": folder}
    for source in by:
        base = client.registry.register_base_model(sources[source], folder=folder, name=f"{mixture}/{tmp_path.name}")
    assert "PARAMETER" in {layer.kind for layer in base.layers}
    name = f"{mixture}-experts-{len(options)}-{'-'.join(options['target_modules'])}-{len(by)}"
    version = check(client, folder, tmp_path / "cache", name, options)
    assert set(version.peft.target_parameters) >= set(options.get("target_parameters", ()))


def test_experts_are_known_of_a_model_and_not_of_its_files(client: Client, tmp_path: Path) -> None:
    base = save_base_model("qwen2_moe", tmp_path)
    files = client.registry.register_base_model(tmp_path, name="round-trip/experts")
    assert {layer.kind for layer in files.layers} == {"LINEAR", "EMBEDDING"}
    model = adapted(base, target_modules=[], target_parameters=["experts.down_proj"])
    with pytest.raises(AdapterRefusedError, match=r"no parameter for the target.*experts\.down_proj.*in Python"):
        client.registry.register(model, adapter="experts")
    both = client.registry.register_base_model(base, folder=tmp_path, name="round-trip/experts")
    assert {layer.name for layer in both.layers} > {layer.name for layer in files.layers}
    assert client.registry.register(model, adapter="experts", base_model="round-trip/experts").version == 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_an_adapter_of_each_type_is_taken_byte_for_byte(
    client: Client, bases: dict[str, Path], tmp_path: Path, dtype: torch.dtype
) -> None:
    model = adapted(load_base_model(bases["llama"]), target_modules=["q_proj"]).to(dtype)
    model.save_pretrained(str(tmp_path / "saved"))
    name = str(dtype).removeprefix("torch.")
    version = client.registry.register(tmp_path / "saved", adapter=f"round-trip-{name}", base_model="round-trip/llama")
    folder = client.registry.download(version, cache=tmp_path / "cache")
    for file in (tmp_path / "saved").iterdir():
        assert (folder / file.name).read_bytes() == file.read_bytes()


def test_a_configuration_of_a_version_trains(client: Client, bases: dict[str, Path], tmp_path: Path) -> None:
    first = adapted(load_base_model(bases["llama"]), target_modules=["q_proj", "v_proj"])
    version = client.registry.register(first, adapter="round-trip-again")
    again = peft.get_peft_model(load_base_model(bases["llama"]), lora_config(version))
    assert again.get_nb_trainable_parameters() == first.get_nb_trainable_parameters()
    before = logits(again)
    optimizer = torch.optim.SGD([weight for weight in again.parameters() if weight.requires_grad], lr=1.0)
    again(input_ids=torch.tensor([[1, 2, 3]]), labels=torch.tensor([[1, 2, 3]])).loss.backward()
    optimizer.step()
    assert not torch.equal(logits(again.eval()), before)
    assert client.registry.register(again, adapter="round-trip-again").version == 2
    folder = client.registry.download(version, cache=tmp_path)
    on = peft.PeftModel.from_pretrained(
        load_base_model(bases["llama"]), folder, is_trainable=True, config=lora_config(version)
    )
    assert on.get_nb_trainable_parameters() == first.get_nb_trainable_parameters()
    assert torch.equal(logits(on.eval()), logits(first))


def check(client: Client, base: Path, place: Path, name: str, options: dict[str, Any]) -> AdapterVersion:
    model = adapted(load_base_model(base), **options)
    version = client.registry.register(model, adapter=f"round-trip-{name}")
    folder = client.registry.download(version, cache=place)
    loaded = peft.PeftModel.from_pretrained(load_base_model(base), folder).eval()
    assert torch.equal(logits(loaded), logits(model))
    assert not torch.equal(logits(loaded), logits(load_base_model(base)))
    saved = peft.LoraConfig.from_pretrained(str(folder))
    assert lora_config(version) == dataclasses.replace(saved, inference_mode=False)
    assert client.registry.verify_folder(version.name, folder) == []
    rendered = client.registry.render_versions([version.name], "PEFT_CONFIGURATION")
    assert rendered.encode() == (folder / "adapter_config.json").read_bytes()
    return version
