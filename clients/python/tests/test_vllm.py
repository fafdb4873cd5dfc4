"""Real vLLM serves what the registry calls servable, by flags and by the plugin, and refuses what it does not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers
from tokenizers import ByteLevelBPETokenizer

from loraloop import AdapterVersion, Client, VersionNotServableError
from tests.adapters import adapted, load_base_model, save_base_model
from tests.hub_cache import kept_folder
from tests.server import LoraloopUp
from tests.tiny import WORDS
from tests.vllm_server import VLLM, VLLM_MARKS, RefusedError, VllmServer

pytestmark = VLLM_MARKS

#: What PEFT can be told, of a Llama. The registry calls these servable by vLLM …
SERVABLE: dict[str, dict[str, Any]] = {
    "lora": {"target_modules": ["q_proj", "v_proj"], "r": 4},
    "rslora": {"target_modules": ["q_proj", "o_proj"], "r": 8, "use_rslora": True},
    "linear": {"target_modules": "all-linear", "r": 2},
    "one-layer": {"target_modules": ["v_proj"], "layers_to_transform": [1]},
    "patterns": {
        "target_modules": r".*\.(q_proj|k_proj|down_proj)",
        "rank_pattern": {"k_proj": 8},
        "alpha_pattern": {"k_proj": 32},
    },
    # PEFT saves the whole embedding beside its adapter.
    "embedding": {"target_modules": ["embed_tokens", "q_proj"]},
}
#: … and these not.
UNSERVABLE: dict[str, dict[str, Any]] = {
    "dora": {"target_modules": ["q_proj"], "use_dora": True},
    "too-large": {"target_modules": ["q_proj"], "r": 513},
    "too-large-pattern": {"target_modules": ["q_proj", "v_proj"], "rank_pattern": {"v_proj": 600}},
    "lora-bias": {"target_modules": ["q_proj"], "lora_bias": True},
    "whole-head": {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]},
}


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that vLLM can run, of random weights."""
    folder = tmp_path_factory.mktemp("vllm-base")
    tokenizer = ByteLevelBPETokenizer()
    tokenizer.train_from_iterator(WORDS * 50, vocab_size=512, special_tokens=["<s>", "</s>"])
    fast = transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(3)
    configuration = transformers.LlamaConfig(
        vocab_size=2048,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
    )
    transformers.LlamaForCausalLM(configuration).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def versions(client: Client, base: Path) -> dict[str, AdapterVersion]:
    """One of each kind, registered over the wire."""
    client.registry.register_base_model(load_base_model(base), name="vllm/llama")
    return {
        name: client.registry.register(
            adapted(load_base_model(base), **options), adapter=f"vllm-{name}", alias="production"
        )
        for name, options in {**SERVABLE, **UNSERVABLE}.items()
    }


@pytest.fixture(scope="module")
def vllm(
    up: LoraloopUp,
    client: Client,
    base: Path,
    versions: dict[str, AdapterVersion],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[VllmServer]:
    """Started with the arguments that the registry renders for two versions; the third is for the plugin.

    Without the Hub vLLM serves the folder of its cache, which nobody has registered.
    """
    place = tmp_path_factory.mktemp("vllm")
    shutil.copytree(base, kept_folder(place / "hub", "vllm/llama"), dirs_exist_ok=True)
    by_flags = [versions[name].name for name in ("lora", "rslora")]
    arguments = client.registry.render_versions(by_flags, "VLLM_ARGUMENTS").splitlines()
    environment = {
        "HF_HUB_CACHE": str(place / "hub"),
        "LORALOOP_ADDRESS": up.address,
        "LORALOOP_TOKEN": up.token,
        "LORALOOP_ADAPTER_CACHE": str(place / "cache"),
    }
    server = VllmServer("vllm/llama", place / "log", arguments, environment)
    yield server
    server.stop()


def test_the_registry_says_what_vllm_serves(client: Client, versions: dict[str, AdapterVersion]) -> None:
    for name, version in versions.items():
        (servability,) = (entry for entry in version.servability if entry.engine == "vllm")
        assert servability.servable == (name in SERVABLE), servability
        if name in SERVABLE:
            assert client.registry.resolve(f"vllm-{name}@production", engine="vllm").name == version.name
        else:
            with pytest.raises(VersionNotServableError):
                client.registry.resolve(f"vllm-{name}@production", engine="vllm")
            with pytest.raises(VersionNotServableError):
                client.registry.render_versions([version.name], "VLLM_ARGUMENTS")


def test_flags_serve_each_version(vllm: VllmServer) -> None:
    answers = {model: vllm.complete(model) for model in ("base", "vllm-lora@1", "vllm-rslora@1")}
    assert len(set(answers.values())) == 3, answers


def test_the_plugin_serves_a_name_that_vllm_does_not_know(vllm: VllmServer, client: Client, tmp_path: Path) -> None:
    by_plugin = vllm.complete("vllm-linear@production")
    assert by_plugin != vllm.complete("base")
    vllm.load("by-hand", client.registry.download("vllm-linear@1", cache=tmp_path))
    assert vllm.complete("by-hand") == by_plugin
    assert vllm.complete("vllm-linear@1") == by_plugin


def test_the_plugin_gives_the_answer_of_the_flags(
    vllm: VllmServer, client: Client, versions: dict[str, AdapterVersion]
) -> None:
    client.registry.move_alias("vllm-lora", "canary", versions["lora"].version)
    assert vllm.complete("vllm-lora@canary") == vllm.complete("vllm-lora@1")


@pytest.mark.parametrize("name", SERVABLE)
def test_vllm_says_what_peft_says(vllm: VllmServer, base: Path, client: Client, tmp_path: Path, name: str) -> None:
    folder = client.registry.download(f"vllm-{name}@1", cache=tmp_path)
    model = peft.PeftModel.from_pretrained(load_base_model(base), folder).eval()
    assert vllm.complete(f"vllm-{name}@1") == generate(model, base)


def generate(model: Any, base: Path, prompt: str = "der die das") -> str:
    """Without chance, as `VllmServer.complete`."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    asked = tokenizer(prompt, return_tensors="pt")
    with torch.no_grad():
        answer = model.generate(**asked, max_new_tokens=12, do_sample=False)
    return str(tokenizer.decode(answer[0, asked["input_ids"].shape[1] :], skip_special_tokens=True))


@pytest.mark.parametrize("name", UNSERVABLE)
def test_vllm_refuses_what_the_registry_calls_unservable(
    vllm: VllmServer, client: Client, tmp_path: Path, name: str
) -> None:
    folder = client.registry.download(f"vllm-{name}@1", cache=tmp_path)
    with pytest.raises(RefusedError) as refused:
        vllm.load(name, folder)
    assert refused.value.code in (400, 500)
    with pytest.raises(RefusedError) as unknown:
        vllm.complete(f"vllm-{name}@production")
    assert unknown.value.code == 404
    assert f"vllm-{name}@production is not served" in vllm.log


def test_the_plugin_serves_nothing_out_of_service(vllm: VllmServer, client: Client, base: Path) -> None:
    model = adapted(load_base_model(base), target_modules=["q_proj"])
    client.registry.register(model, adapter="vllm-quarantined", alias="production")
    client.registry.quarantine_version("vllm-quarantined@1", "says nonsense")
    for name in ("vllm-quarantined@production", "vllm-quarantined@1", "vllm-nobody@production"):
        with pytest.raises(RefusedError) as unknown:
            vllm.complete(name)
        assert unknown.value.code == 404
        assert f"{name} is not served" in vllm.log


RESOLVE = """
import asyncio, json, logging, os, sys
logging.basicConfig(format="%(message)s", stream=sys.stdout)
from loraloop.vllm import RegistryResolver
for base, name, environment in json.loads(sys.argv[1]):
    os.environ |= environment
    print("result:", asyncio.run(RegistryResolver().resolve_lora(base, name)), "end")
"""


def resolve(environment: dict[str, str], *cases: tuple[str, str, dict[str, str]]) -> list[str]:
    """What the plugin logs and gives vLLM for base models and names, one after the other in one process."""
    command: list[str | Path] = [VLLM.with_name("python"), "-c", RESOLVE, json.dumps(cases)]
    done = subprocess.run(
        command, env={**os.environ, **environment}, check=True, capture_output=True, text=True, timeout=120
    )
    return done.stdout.split("end\n")[:-1]


def test_the_plugin_serves_nothing_on_another_base_model(
    up: LoraloopUp, client: Client, base: Path, versions: dict[str, AdapterVersion], tmp_path: Path
) -> None:
    name, other = versions["lora"].name, tmp_path / "other"
    save_base_model("llama", other)
    client.registry.register_base_model(other, name="vllm/other")
    environment = {"LORALOOP_TOKEN": up.token, "LORALOOP_ADAPTER_CACHE": str(tmp_path)}
    here, nowhere = {"LORALOOP_ADDRESS": up.address}, {"LORALOOP_ADDRESS": "127.0.0.1:1"}
    wrong, elsewhere, unknown, away, plain, said = resolve(
        environment,
        ("vllm/other", name, here),
        (str(other), name, here),
        ("vllm/nobody", name, here),
        (str(base), name, nowhere),
        (str(base), "no-adapter", here),
        ("vllm/quantised", name, {**here, "LORALOOP_BASE_MODEL": "vllm/llama@main"}),
    )
    assert "was trained on vllm/llama@main, vLLM serves vllm/other@main" in wrong
    assert f"does not know {other} as vllm/llama@main" in elsewhere
    assert "BASE_MODEL_NOT_FOUND" in unknown
    assert "no server answers" in away
    assert plain == "result: None "
    assert all("result: None" in refused for refused in (wrong, elsewhere, unknown, away))
    assert f"lora_path='{tmp_path / versions['lora'].artifact.digest}'" in said
