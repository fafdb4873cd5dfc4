"""Which base model an engine serves, by the names and folders that it may say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pytest
from huggingface_hub import snapshot_download
from transformers import AutoModelForCausalLM

from loraloop import BaseModel, BaseModelReference, Client, ConfigurationError, NotFoundError
from loraloop._registry.served_base import served_base
from tests.adapters import adapted, save_base_model
from tests.hub_cache import COMMIT, kept_folder
from tests.server import LoraloopUp

OTHER_COMMIT = "9876543210" * 4


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The Hub's cache of a machine without a Hub."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def served(client: Client, said: str | Path, base: BaseModel) -> tuple[str, str]:
    """Name and revision, for an adapter of a base model."""
    found = served_base(client.registry, str(said), BaseModelReference(base.name, base.revision))
    return found.name, found.revision


def test_a_folder_is_known_however_it_is_written(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_base_model("llama", tmp_path / "tiny")
    base = client.registry.register_base_model("tiny", name="served/written")
    Path("link").symlink_to("tiny")
    for said in ("tiny", "tiny/", "./tiny", "./tiny/../tiny", tmp_path / "tiny", "link", tmp_path / "link"):
        assert served(client, said, base) == ("served/written", "main"), said
    by_link = client.registry.register_base_model("link/", name="served/linked")
    assert served(client, "tiny", by_link) == ("served/linked", "main")


def test_other_folders_and_weights_are_refused(client: Client, tmp_path: Path) -> None:
    tiny, other = tmp_path / "tiny", tmp_path / "other"
    save_base_model("llama", tiny)
    save_base_model("llama", other, seed=1)
    base = client.registry.register_base_model(tiny, name="served/strict")
    with pytest.raises(ConfigurationError, match=r"does not know .*other as served/strict@main.*register it with this"):
        served(client, other, base)
    client.registry.register_base_model(tiny, name="served/strict", other_names=[str(other)])
    with pytest.raises(ConfigurationError, match=r"the weights in .*other are not those of served/strict@main"):
        served(client, other, base)
    with pytest.raises(NotFoundError):
        served(client, "served/nobody", base)


def test_a_folder_of_the_hubs_cache_is_the_model_of_that_name(client: Client, cache: Path) -> None:
    save_base_model("llama", kept_folder(cache, "served/hub"))
    model = AutoModelForCausalLM.from_pretrained("served/hub", cache_dir=cache)
    base = client.registry.register_base_model(model)
    assert base.name == "served/hub"
    snapshot = snapshot_download("served/hub")
    assert snapshot.endswith(f"/models--served--hub/snapshots/{COMMIT}")
    (cache / "link").symlink_to(snapshot)
    for said in ("served/hub", snapshot, snapshot + "/", cache / "link"):
        assert served(client, said, base) == ("served/hub", "main"), said
    shutil.copytree(snapshot, cache / "copy")
    with pytest.raises(ConfigurationError, match=r"does not know .*copy as served/hub@main"):
        served(client, cache / "copy", base)


def test_of_several_revisions_the_weights_tell(client: Client, cache: Path) -> None:
    folders = [kept_folder(cache, "served/revised", commit) for commit in (OTHER_COMMIT, COMMIT)]
    for seed, folder in enumerate(folders):
        save_base_model("llama", folder, seed=seed)
    old = client.registry.register_base_model(folders[0], name="served/revised", revision="v1")
    new = client.registry.register_base_model(folders[1], name="served/revised", revision="v2")
    assert [served(client, folder, base)[1] for folder, base in zip(folders, (old, new), strict=True)] == ["v1", "v2"]
    with pytest.raises(ConfigurationError, match="are not those of served/revised@v1"):
        served(client, folders[1], old)


def test_a_commit_that_is_registered_is_what_is_served(client: Client, cache: Path) -> None:
    """Also to an adapter of another commit with the same weights, whose tokenizer may differ."""
    first = kept_folder(cache, "served/commit", OTHER_COMMIT)
    save_base_model("llama", first)
    second = kept_folder(cache, "served/commit")
    shutil.copytree(first, second, dirs_exist_ok=True)
    (second / "special_tokens_map.json").write_text('{"eos_token": "<unk>"}')
    old, new = (client.registry.register_base_model(folder) for folder in (first, second))
    assert [(base.name, base.revision) for base in (old, new)] == [
        ("served/commit", OTHER_COMMIT),
        ("served/commit", COMMIT),
    ]
    assert [served(client, folder, old)[1] for folder in (first, second)] == [OTHER_COMMIT, COMMIT]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")
def test_an_adapter_of_a_revision_in_the_hubs_cache_is_served_on_it(client: Client, cache: Path) -> None:
    save_base_model("llama", kept_folder(cache, "served/adapted", OTHER_COMMIT), seed=1)
    save_base_model("llama", kept_folder(cache, "served/adapted"))
    for commit in (OTHER_COMMIT, COMMIT):
        base = AutoModelForCausalLM.from_pretrained("served/adapted", revision=commit, cache_dir=cache)
        client.registry.register_base_model(base, revision=commit)
        model = adapted(base, target_modules=["q_proj"], revision=commit)
        trained_on = client.registry.register(model, adapter=f"served-{commit}").base_model
        assert (trained_on.name, trained_on.revision) == ("served/adapted", commit)
        snapshot = snapshot_download("served/adapted", revision=commit)
        assert served_base(client.registry, snapshot, trained_on).weights_digest == trained_on.weights_digest
