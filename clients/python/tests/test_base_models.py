"""What is read of a base model, the same as by the other client languages."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path

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
