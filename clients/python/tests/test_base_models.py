"""What is read of a base model, the same as by the other client languages."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from google.protobuf import json_format

from loraloop import FileError, base_model_from
from loraloop._registry.digests import FileDifference, compare_files, files_digest, files_in
from loraloop._registry.layers import layers_of
from loraloop._registry.messages import to_message
from loraloop._registry.vocabulary import vocabulary_digest
from loraloop.registry.v1 import base_model_service_pb2 as pb
from tests.adapters import ARCHITECTURES, load_base_model, save_base_model
from tests.server import ROOT

GOLDEN = json.loads((ROOT / "test/data/base-model.json").read_text("utf-8"))
VOCABULARIES = json.loads((ROOT / "test/data/vocabularies.json").read_text("utf-8"))["cases"]


def test_a_folder_is_read_as_by_all_clients(tmp_path: Path) -> None:
    for path, content in GOLDEN["files"].items():
        (tmp_path / path).write_bytes(base64.b64decode(content))
    message = to_message(pb.BaseModel, base_model_from(tmp_path, name="golden"))
    read = json_format.MessageToDict(message, preserving_proto_field_name=True)
    assert {key: read[key] for key in GOLDEN["expected"]} == GOLDEN["expected"]


@pytest.mark.parametrize("case", VOCABULARIES)
def test_a_vocabulary_is_read_as_by_all_clients(case: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(VOCABULARIES[case]["text"], "utf-8")
    assert vocabulary_digest(tmp_path) == VOCABULARIES[case]["digest"]


def test_what_is_no_text_has_no_vocabulary(tmp_path: Path) -> None:
    assert vocabulary_digest(tmp_path) == ""
    for content in (b'{"model":{"vocab":{"\xff":0}}}', b"[" * 1_000_000):
        (tmp_path / "tokenizer.json").write_bytes(content)
        assert vocabulary_digest(tmp_path) == ""


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_headers_name_the_layers_of_the_model(architecture: str, tmp_path: Path) -> None:
    save_base_model(architecture, tmp_path)
    by_headers = {layer.name: layer for layer in base_model_from(tmp_path).layers}
    by_model = {layer.name: layer for layer in layers_of(load_base_model(tmp_path))}
    if architecture == "gpt_neox":
        # Saved under the name that the head had in transformers 4.
        assert by_headers.pop("embed_out").input_features == by_model.pop("lm_head").input_features
    assert by_headers == by_model


def test_names_are_what_adapters_may_say(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    save_base_model("llama", folder)
    by_folder = base_model_from(folder)
    assert (by_folder.name, by_folder.other_names) == ("tiny", [str(folder)])
    named = base_model_from(load_base_model(folder), name="org/tiny", revision="v1", other_names=["tiny"])
    assert (named.name, named.revision, named.other_names) == ("org/tiny", "v1", sorted(["tiny", str(folder)]))
    assert (named.architecture, named.model_type, named.hidden_size, named.vocabulary_size) == (
        *("LlamaForCausalLM", "llama"),
        *(16, 64),
    )


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no base model's folder"):
        base_model_from(tmp_path)
    model = save_base_model("llama", tmp_path)
    model.config._name_or_path = ""
    with pytest.raises(FileError, match="give its folder="):
        base_model_from(model)
    model.config._name_or_path = "nobody/has-this"
    with pytest.raises(FileError, match="nobody/has-this is not on this machine"):
        base_model_from(model)
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 16)
    with pytest.raises(FileError, match="no safetensors file"):
        base_model_from(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(FileError, match=r"holds no \*\.safetensors"):
        base_model_from(tmp_path)


LORA = {"gate_up": ["experts.gate_up_proj"], "both": ["experts.down_proj", "experts.gate_up_proj", "gate.weight"]}
WRAPPINGS: dict[str, Any] = {
    **{
        name: peft.LoraConfig(target_modules=["q_proj", "embed_tokens"], target_parameters=parameters)
        for name, parameters in LORA.items()
    },
    "saved": peft.LoraConfig(target_modules=["q_proj"], modules_to_save=["gate", "experts", "lm_head"]),
    "tokens": peft.LoraConfig(target_modules=["q_proj"], trainable_token_indices=[1, 2]),
    "dora": peft.LoraConfig(target_modules=["k_proj"], use_dora=True),
    "ia3": peft.IA3Config(target_modules=["k_proj"], feedforward_modules=[]),
    "oft": peft.OFTConfig(target_modules=["k_proj"], oft_block_size=4),
}


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("mixture", ["qwen2_moe", "mixtral"])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_what_peft_puts_into_a_model_is_no_layer_of_it(wrapping: str, mixture: str, tmp_path: Path) -> None:
    bare = layers_of(save_base_model(mixture, tmp_path))
    assert sum(layer.kind == "PARAMETER" for layer in bare) == 6
    adapted = peft.get_peft_model(load_base_model(tmp_path), WRAPPINGS[wrapping])
    model: Any = adapted.get_base_model()
    assert layers_of(model) == bare
    model(torch.tensor([[1, 2]]))
    # By then torch has put parameters that were adapted behind the others.
    assert layers_of(model) == bare
    assert layers_of(adapted.unload()) == bare


def test_parameters_that_nobody_could_name_are_left_out() -> None:
    block = torch.nn.Module()
    block.part = torch.nn.ParameterDict({"a b": torch.ones(2, 3), "ab": torch.ones(2, 3), "none": torch.empty(0, 3)})
    assert [layer.name for layer in layers_of(block)] == ["part.ab"]


def test_a_convolution_is_a_layer() -> None:
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 4), torch.nn.LayerNorm(8))
    assert [(layer.name, layer.kind, layer.input_features, layer.output_features) for layer in layers_of(model)] == [
        ("0", "CONVOLUTION", 3, 8)
    ]


def test_folders_are_compared_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "one" / "below").mkdir(parents=True)
    (tmp_path / "one" / "b").write_bytes(b"b")
    (tmp_path / "one" / "below" / "a").write_bytes(b"a")
    registered = files_in(tmp_path / "one")
    assert [file.path for file in registered] == ["b", "below/a"]
    assert files_digest(registered) == files_digest(reversed(registered))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    (tmp_path / "two" / "b").write_bytes(b"c")
    (tmp_path / "two" / "below" / "a").rename(tmp_path / "two" / "c")
    b, a = (file.digest for file in registered)
    c = files_in(tmp_path / "two")[0].digest
    assert compare_files(registered, files_in(tmp_path / "two")) == [
        FileDifference("b", "changed", b, c),
        FileDifference("below/a", "missing", a, ""),
        FileDifference("c", "unexpected", "", a),
    ]
