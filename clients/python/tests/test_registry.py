"""The registry of the real server."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from transformers import BitsAndBytesConfig

import loraloop
from loraloop import (
    BaseModelReference,
    Client,
    MetricValue,
    OutputConstraint,
    Quantization,
    SignaturePolicy,
    TrainingConfiguration,
    TrustedKey,
)
from tests.adapters import adapted, load_base_model, save_base_model
from tests.server import LoraloopUp


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture(scope="module")
def base(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base")
    save_base_model("llama", folder)
    client.registry.register_base_model(folder, name="registry/llama")
    return folder


@pytest.fixture(scope="module")
def saved(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an adapter."""
    folder = tmp_path_factory.mktemp("saved")
    adapted(load_base_model(base), target_modules=["q_proj", "v_proj"]).save_pretrained(str(folder))
    return folder


def test_one_call_registers_all_that_is_known(client: Client, saved: Path) -> None:
    version = client.registry.register(
        saved,
        adapter="known",
        alias="production",
        metrics={"eval_loss": 1.25},
        metadata={"team": "legal"},
        training=TrainingConfiguration(epochs=3, learning_rate=1e-4),
        task="question-answering",
        domains=["steuerrecht"],
        language="de",
        constraint=OutputConstraint(json_schema='{"type":"object"}'),
        serving_hints={"max_tokens": 512},
        label="1.0.0",
    )
    assert (version.adapter, version.version, version.name, version.state) == ("known", 1, "known@1", "READY")
    assert (version.base_model.name, version.method, version.quantization) == ("registry/llama", "LORA", None)
    assert (version.peft.r, version.peft.lora_alpha, version.peft.maximum_rank) == (4, 8, 4)
    assert version.peft.target_modules == ("q_proj", "v_proj")
    assert [file.path for file in version.artifact.files] == sorted(file.name for file in saved.iterdir())
    assert version.metrics == {"eval_loss": 1.25}
    assert version.provenance.training == TrainingConfiguration(epochs=3, learning_rate=1e-4)
    assert version.constraint == OutputConstraint(json_schema='{"type":"object"}')
    assert {entry.engine: entry.servable for entry in version.servability} == {"peft": True, "vllm": True}
    assert (version.delete_time, version.quarantine, version.signature) == (None, None, None)
    assert client.registry.resolve("known@production", engine="vllm") == client.registry.get_version("known@1")
    assert [adapter.name for adapter in client.registry.list_adapters(filter='adapter.name == "known"')] == ["known"]
    (listed,) = client.registry.list_versions("known", filter='"steuerrecht" in version.domains')
    assert (listed.name, listed.peft.configuration_json, listed.artifact.files) == ("known@1", "", ())


def test_a_base_model_is_the_same_by_its_model_and_by_its_folder(client: Client, tmp_path: Path) -> None:
    by_model = loraloop.base_model_from(save_base_model("llama", tmp_path), name="same")
    assert loraloop.base_model_from(tmp_path, name="same") == by_model
    changed = adapted(load_base_model(tmp_path), target_modules=["q_proj"], modules_to_save=["lm_head"])
    assert loraloop.base_model_from(changed, name="same") == by_model
    registered = client.registry.register_base_model(by_model)
    assert (registered.layers, registered.revision) == (tuple(by_model.layers), "main")
    assert registered == client.registry.register_base_model(tmp_path, name="same")
    assert client.registry.get_base_model("same") == registered
    assert "same" in [model.name for model in client.registry.list_base_models()]


def test_what_does_not_fit_is_refused_by_its_kind(client: Client, base: Path, saved: Path, tmp_path: Path) -> None:
    registry = client.registry
    with pytest.raises(loraloop.BaseModelMismatchError) as caught:
        registry.register(
            saved, adapter="wrong", base_model=BaseModelReference("registry/llama", weights_digest="0" * 64)
        )
    assert caught.value.reason == "BASE_MODEL_MISMATCH"
    with pytest.raises(loraloop.BaseModelMismatchError) as caught:
        registry.register(
            saved, adapter="wrong", base_model=BaseModelReference("registry/llama", tokenizer_digest="0" * 64)
        )
    assert caught.value.reason == "TOKENIZER_MISMATCH"
    with pytest.raises(loraloop.NotFoundError) as unknown:
        registry.register(saved, adapter="wrong", base_model="registry/nobody")
    assert unknown.value.reason == "BASE_MODEL_NOT_FOUND"
    pickled = tmp_path / "pickled"
    adapted(load_base_model(base), target_modules=["q_proj"]).save_pretrained(str(pickled))
    (pickled / "training_args.bin").write_bytes(pickle.dumps({}))
    with pytest.raises(loraloop.AdapterRefusedError) as refused:
        registry.register(pickled, adapter="wrong")
    assert (refused.value.reason, refused.value.metadata["path"]) == ("ADAPTER_FILE_FORBIDDEN", "training_args.bin")
    with pytest.raises(loraloop.NotFoundError):
        registry.get_adapter("wrong")


def test_of_a_quantised_model_the_quantisation_is_found(client: Client, base: Path) -> None:
    model = adapted(load_base_model(base), target_modules=["q_proj"])
    model.config.quantization_config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    version = client.registry.register(model, adapter="quantised")
    assert version.method == "QLORA"
    assert version.quantization == Quantization("bitsandbytes", "nf4", 4, compute_type="bfloat16")


def test_the_active_adapter_of_a_model_is_taken(client: Client, base: Path) -> None:
    model = adapted(load_base_model(base), target_modules=["q_proj"])
    model.add_adapter("other", peft.LoraConfig(r=2, target_modules=["v_proj"], task_type="CAUSAL_LM"))
    model.set_adapter("other")
    version = client.registry.register(model, adapter="active")
    assert (version.peft.r, version.peft.target_modules) == (2, ("v_proj",))
    assert "adapter_config.json" in [file.path for file in version.artifact.files]


def test_of_several_active_adapters_none_is_chosen(client: Client, base: Path) -> None:
    model = adapted(load_base_model(base), target_modules=["q_proj"])
    model.add_adapter("über", peft.LoraConfig(r=2, target_modules=["v_proj"], task_type="CAUSAL_LM"))
    tuner: Any = model.base_model
    tuner.set_adapter(["über", "default"])
    with pytest.raises(
        loraloop.ConfigurationError, match=r"active in the model are \['über', 'default'\]: .*set_adapter"
    ):
        client.registry.register(model, adapter="several")
    with pytest.raises(loraloop.NotFoundError):
        client.registry.get_adapter("several")
    # What PEFT uses, also where its wrapping remembers another.
    tuner.set_adapter("über")
    assert model.active_adapter == "default"
    assert client.registry.register(model, adapter="several").peft.target_modules == ("v_proj",)
    for name in ("default", "über"):
        model.delete_adapter(name)
    with pytest.raises(loraloop.ConfigurationError, match=r"active in the model are \[\]"):
        client.registry.register(model, adapter="several")


def test_a_link_in_a_folder_is_not_followed(client: Client, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").symlink_to(saved / "adapter_config.json")
    with pytest.raises(loraloop.FileError, match=r"adapter_config\.json is no plain file"):
        client.registry.register(tmp_path, adapter="linked")


def test_aliases_move_and_remember(client: Client, saved: Path) -> None:
    registry = client.registry
    for _ in range(2):
        registry.register(saved, adapter="moved")
    first = registry.move_alias("moved", "production", 1, expected_revision=0, reason="first")
    with pytest.raises(loraloop.ConflictError) as caught:
        registry.move_alias("moved", "production", 2, expected_revision=0)
    assert caught.value.reason == "ALIAS_CONFLICT"
    second = registry.move_alias("moved", "production", 2, expected_revision=first.revision)
    assert list(registry.list_alias_moves("moved", "production")) == [second, first]
    assert (second.from_version, second.to_version, first.reason) == (1, 2, "first")
    assert registry.resolve("moved@production").version == 2
    assert [(alias.alias, alias.version) for alias in registry.get_adapter("moved").aliases] == [("production", 2)]


def test_metrics_are_kept_over_time(client: Client, saved: Path) -> None:
    version = client.registry.register(saved, adapter="measured")
    noon = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
    client.registry.report_metrics(version.name, {"accuracy": 0.5}, step=10, source="held-out", time=noon)
    measured = client.registry.report_metrics(version.name, {"accuracy": 0.75, "perplexity": 8.0})
    assert measured.metrics == {"accuracy": 0.75, "perplexity": 8.0}
    first, second = client.registry.list_metrics(version.name, "accuracy")
    assert first == MetricValue("accuracy", 0.5, noon, 10, "held-out")
    assert second.value == 0.75


def test_a_version_out_of_service_is_neither_resolved_nor_downloaded(
    client: Client, saved: Path, tmp_path: Path
) -> None:
    registry = client.registry
    version = registry.register(saved, adapter="quarantined", alias="production")
    folder = registry.download(version, cache=tmp_path)
    quarantine = registry.quarantine_version(version.name, "says nonsense").quarantine
    assert quarantine is not None
    assert quarantine.reason == "says nonsense"
    with pytest.raises(loraloop.VersionNotServableError):
        registry.resolve("quarantined@production")
    with pytest.raises(loraloop.VersionNotServableError):
        registry.download(version, cache=tmp_path)
    assert registry.download(version, cache=tmp_path, allow_unservable=True) == folder
    assert registry.release_version(version.name).state == "READY"
    assert registry.verify_version("quarantined@production") == []


def test_a_folder_of_the_cache_that_was_changed_is_fetched_again(client: Client, saved: Path, tmp_path: Path) -> None:
    version = client.registry.register(saved, adapter="cached")
    folder = client.registry.download(version, cache=tmp_path)
    weights = folder / "adapter_model.safetensors"
    sound = weights.read_bytes()
    weights.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    (difference,) = client.registry.verify_folder(version.name, folder)
    assert (difference.path, difference.problem) == ("adapter_model.safetensors", "changed")
    assert client.registry.download(version, cache=tmp_path) == folder
    assert weights.read_bytes() == sound
    (folder / "more.txt").write_text("not of the artifact")
    client.registry.download(version.name, cache=tmp_path)
    assert not (folder / "more.txt").exists()


def test_files_that_the_registry_has_are_not_sent_again(client: Client, saved: Path) -> None:
    first, second = (client.registry.register(saved, adapter="sent") for _ in range(2))
    assert (first.version, second.version) == (1, 2)
    assert first.artifact == second.artifact


def test_a_trusted_signature_is_kept(client: Client, saved: Path, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    client.registry.put_signature_policy(SignaturePolicy(trusted_keys=[TrustedKey(public)]))
    pem = tmp_path / "key.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    version = client.registry.register(saved, adapter="signed", private_key=pem)
    assert version.signature is not None
    assert version.signature.trusted
    with pytest.raises(loraloop.ConfigurationError, match="signed afterwards"):
        client.registry.register(saved.as_uri(), adapter="signed", private_key=pem)
    unsigned = client.registry.register(saved, adapter="signed")
    assert unsigned.signature is None
    again = client.registry.sign(unsigned.name, key).signature
    assert again is not None
    assert again.key_id == version.signature.key_id
    with pytest.raises(loraloop.SignatureError) as caught:
        client.registry.sign(unsigned.name, Ed25519PrivateKey.generate())
    assert caught.value.reason == "SIGNATURE_INVALID"
    with pytest.raises(loraloop.ConfigurationError, match="PEM without a passphrase"):
        client.registry.sign(unsigned.name, b"no key")


def test_a_run_becomes_a_version(client: Client, base: Path) -> None:
    client.ingest("lessons", ({"id": str(number), "text": f"lesson {number}"} for number in range(20)))
    client.datasets.put("lessons", {"collection": "lessons", "format": "text"})
    model = adapted(load_base_model(base), target_modules=["q_proj"])
    with client.runs.open("made", dataset="lessons", seed=11) as run:
        run.report_progress(step=5, metrics={"loss": 0.5})
        version = client.registry.register(model, adapter="lessons", run=run, close_run=True)
    assert client.registry.register(model, adapter="lessons", run=run, close_run=True).name == version.name
    provenance = version.provenance
    assert (provenance.run, provenance.seed, version.metrics) == ("made", 11, {"loss": 0.5})
    assert [(source.dataset, source.sample_count) for source in provenance.snapshots] == [("lessons", 20)]
    assert "peft" in provenance.package_versions
    assert client.runs.get("made").result == loraloop.RunResult(True, adapter_version="lessons@1")
    lineage = client.registry.get_lineage("lessons@1", records=3)
    assert lineage.run is not None
    assert (lineage.run.state, lineage.unavailable, lineage.parents, lineage.children) == ("SUCCEEDED", "", (), ())
    (source,) = lineage.snapshots
    assert (source.available, [record.record for record in source.records]) == (True, ["0", "1", "10"])
    for origin in ({"collection": "lessons", "record": "7"}, {"run": "made"}, {"snapshot": source.snapshot.snapshot}):
        assert [found.name for found in client.registry.find_versions(**origin)] == ["lessons@1"]
    client.registry.register(model, adapter="lessons-child", parent="lessons@1")
    found = client.registry.find_versions(collection="lessons", record="7")
    assert [(one.name, one.inherited_from) for one in found] == [("lessons@1", ""), ("lessons-child@1", "lessons@1")]
    assert list(client.registry.find_versions(subject="nobody")) == []
    assert "lessons@1" in [found.name for found in client.registry.find_versions(base_model="registry/llama")]
    with pytest.raises(TypeError, match="exactly one of record="):
        next(client.registry.find_versions(run="made", parent="lessons@1"))
    with pytest.raises(loraloop.FailedPreconditionError) as held:
        client.snapshots.delete(provenance.snapshots[0].snapshot)
    assert held.value.reason == "SNAPSHOT_IN_USE"
    with pytest.raises(loraloop.ConfigurationError):
        client.registry.register(model, adapter="lessons", run="made", close_run=True)


def test_a_registry_elsewhere_is_asked_there(up: LoraloopUp, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Client("127.0.0.1:1", "wrong", registry_address=up.address, registry_token=up.token) as client:
        assert client.registry.get_base_model("registry/llama").name == "registry/llama"
    monkeypatch.setenv("LORALOOP_REGISTRY_ADDRESS", up.address)
    monkeypatch.setenv("LORALOOP_REGISTRY_TOKEN", up.token)
    with Client("127.0.0.1:1", "wrong") as client:
        assert client.registry.get_base_model(str(base)).name == "registry/llama"
