"""Tokenizers that lie beside adapters, as trainers save them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

import loraloop
from loraloop import Client
from tests.adapters import adapted, load_base_model, save_base_model
from tests.server import LoraloopUp
from tests.tiny import WORDS

#: Each with how it is trained.
_KINDS: Mapping[str, tuple[models.Model, trainers.Trainer]] = {
    "BPE": (models.BPE(), trainers.BpeTrainer(vocab_size=60, special_tokens=["</s>"])),
    "WordPiece": (
        models.WordPiece(unk_token="[UNK]"),
        trainers.WordPieceTrainer(vocab_size=60, special_tokens=["[UNK]"]),
    ),
    "WordLevel": (models.WordLevel(), trainers.WordLevelTrainer(special_tokens=["</s>"])),
    "Unigram": (models.Unigram(), trainers.UnigramTrainer(vocab_size=60, special_tokens=["</s>"])),
}


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture(scope="module", params=_KINDS)
def base(request: pytest.FixtureRequest, client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model with a tokenizer of that kind."""
    folder = tmp_path_factory.mktemp("base")
    save_base_model("llama", folder)
    model, trainer = _KINDS[request.param]
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.train_from_iterator([*WORDS, "schön", "größer", "日本語", "🙂"] * 9, trainer)
    _as_transformers_has_it(tokenizer).save_pretrained(folder)
    assert json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["type"] == request.param
    client.registry.register_base_model(folder, name=f"tokenized/{request.param}")
    return folder


@pytest.fixture
def saved(base: Path, tmp_path: Path) -> Path:
    """The folder of an adapter of it."""
    folder = tmp_path / "saved"
    adapted(load_base_model(base), target_modules=["q_proj"]).save_pretrained(str(folder))
    return folder


def test_what_a_training_sets_does_not_matter(client: Client, base: Path, saved: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(["<tool>", "neues Wort"])
    tokenizer.add_special_tokens({"pad_token": "<pad>", "additional_special_tokens": ["<|im_end|>"]})
    tokenizer.chat_template = "{{ messages }}"
    tokenizer(["der", "der die"], padding="max_length", truncation=True, max_length=4)
    tokenizer.save_pretrained(saved)
    assert (saved / "tokenizer.json").read_bytes() != (base / "tokenizer.json").read_bytes()
    assert client.registry.register(saved, adapter="tokenized").state == "READY"


def test_another_vocabulary_is_refused(client: Client, base: Path, saved: Path) -> None:
    content = json.loads((base / "tokenizer.json").read_text("utf-8"))
    content["model"]["vocab"] = _reversed(content["model"]["vocab"])
    (saved / "tokenizer.json").write_text(json.dumps(content), "utf-8")
    shutil.copy(base / "tokenizer_config.json", saved)
    with pytest.raises(loraloop.BaseModelMismatchError, match=r"tokenizer\.json has another vocabulary") as caught:
        client.registry.register(saved, adapter="wrong")
    assert (caught.value.reason, caught.value.metadata["path"]) == ("TOKENIZER_MISMATCH", "tokenizer.json")
    (saved / "tokenizer.json").write_text("[]", "utf-8")
    with pytest.raises(loraloop.AdapterRefusedError, match=r"is no tokenizer: it has no model"):
        client.registry.register(saved, adapter="wrong")


def _as_transformers_has_it(tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer)  # type: ignore[no-untyped-call]


def _reversed(vocabulary: dict[str, int] | list[list[object]]) -> dict[str, int] | list[list[object]]:
    """The same tokens with their ids the other way round."""
    if isinstance(vocabulary, list):
        return vocabulary[::-1]
    return dict(zip(vocabulary, reversed(vocabulary.values()), strict=True))
