"""Real vLLM serves an adapter that replaces the head of a classifier, and says what PEFT says."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
import transformers

from loraloop import AdapterVersion, Client
from tests.server import LoraloopUp
from tests.tiny import tiny_tokenizer
from tests.vllm_server import VLLM_MARKS, VllmServer

pytestmark = VLLM_MARKS
CLASSIFIER: Any = transformers.AutoModelForSequenceClassification
TOKENS = [3, 14, 15, 9, 26, 5]


@pytest.fixture(scope="module")
def client(up: LoraloopUp) -> Iterator[Client]:
    with Client(up.address, up.token) as client:
        yield client


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of three labels that vLLM can run, of random weights."""
    folder = tmp_path_factory.mktemp("vllm-classifier")
    tiny_tokenizer().save_pretrained(folder)
    torch.manual_seed(3)
    configuration = transformers.Qwen2Config(
        vocab_size=64,
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        pad_token_id=0,
    )
    configuration.num_labels = 3
    CLASSIFIER.from_config(configuration).save_pretrained(folder)
    return folder


def load(base: Path) -> Any:
    return CLASSIFIER.from_pretrained(base).eval()


@pytest.fixture(scope="module")
def version(client: Client, base: Path) -> AdapterVersion:
    client.registry.register_base_model(load(base), name="vllm/classifier")
    torch.manual_seed(4)
    options = peft.LoraConfig(target_modules=["q_proj", "v_proj"], task_type="SEQ_CLS", init_lora_weights=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(load(base), options)
    torch.nn.init.normal_(model.get_parameter("base_model.model.score.modules_to_save.default.weight"))
    return client.registry.register(model, adapter="vllm-classifier", alias="production")


def test_vllm_says_what_peft_says(client: Client, base: Path, version: AdapterVersion, tmp_path: Path) -> None:
    assert version.peft.modules_to_save == ("classifier", "score")
    (servability,) = (entry for entry in version.servability if entry.engine == "vllm")
    assert servability.servable, servability
    arguments = client.registry.render_versions([version.name], "VLLM_ARGUMENTS").splitlines()
    options = ["--runner", "pooling", "--dtype", "float32", *arguments]
    server = VllmServer(base, tmp_path / "log", options, {})
    try:
        by_vllm = {model: server.classify(model, TOKENS) for model in ("base", version.name)}
    finally:
        server.stop()
    folder = client.registry.download(version.name, cache=tmp_path)
    adapted = peft.PeftModel.from_pretrained(load(base), folder).eval()
    assert by_vllm[version.name] == pytest.approx(probabilities(adapted), abs=1e-4)
    assert by_vllm["base"] == pytest.approx(probabilities(load(base)), abs=1e-4)
    assert by_vllm["base"] != pytest.approx(by_vllm[version.name], abs=0.05)


def probabilities(model: Any) -> Sequence[float]:
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([TOKENS])).logits
    answer: Sequence[float] = logits[0].softmax(0).tolist()
    return answer
