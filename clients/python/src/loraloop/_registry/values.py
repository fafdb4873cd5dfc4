"""What the registry says, as plain values. Fields mean what those of `loraloop.registry.v1` mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer with a weight matrix, or a parameter of its own.

    `kind` is LINEAR, TRANSPOSED_LINEAR, EMBEDDING, CONVOLUTION or PARAMETER; `matrix_count` and `parameter_place` are
    a parameter's. The registry says `only_in_files`.
    """

    name: str
    kind: str
    input_features: int
    output_features: int
    matrix_count: int = 0
    parameter_place: int = 0
    only_in_files: bool = False


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A model that adapters are trained on; digests are SHA-256 in hex."""

    name: str
    revision: str
    weights_digest: str
    tokenizer_digest: str
    architecture: str
    model_type: str
    hidden_size: int
    vocabulary_size: int
    layers: Sequence[Layer]
    other_names: Sequence[str] = ()
    configuration_json: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    create_time: datetime | None = None
    creator: str = ""
    vocabulary_digest: str = ""


@dataclass(frozen=True, slots=True)
class BaseModelReference:
    """Names a base model; what is given beside `name` must be true of it."""

    name: str
    revision: str = ""
    weights_digest: str = ""
    tokenizer_digest: str = ""


@dataclass(frozen=True, slots=True)
class Quantization:
    """Of a base model while training, e.g. `Quantization("bitsandbytes", "nf4", 4)`."""

    library: str
    format: str = ""
    bits: int = 0
    double_quantization: bool = False
    compute_type: str = ""


@dataclass(frozen=True, slots=True)
class PeftConfiguration:
    """A LoRA configuration of PEFT, with what was found in the tensors; `loraloop.lora_config` makes PEFT's own."""

    r: int
    lora_alpha: float
    rank_pattern: Mapping[str, int]
    alpha_pattern: Mapping[str, float]
    use_rslora: bool
    use_dora: bool
    target_modules: Sequence[str]
    target_modules_pattern: str
    lora_dropout: float
    bias: str
    modules_to_save: Sequence[str]
    lora_bias: bool
    task_type: str
    peft_version: str
    configuration_json: str
    maximum_rank: int
    parameter_count: int
    tensor_types: Sequence[str]
    layers: Sequence[str]
    target_parameters: Sequence[str]


@dataclass(frozen=True, slots=True)
class ArtifactFile:
    """A file of an artifact; `digest` is SHA-256 in hex."""

    path: str
    byte_count: int
    digest: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """A set of files, named by its digest."""

    digest: str
    uri: str
    files: Sequence[ArtifactFile]
    byte_count: int
    kept: bool


@dataclass(frozen=True, slots=True)
class TrainingSnapshot:
    """A snapshot that a version was trained on."""

    snapshot: str
    digest: str
    dataset: str
    dataset_version: int
    collection: str
    revision: int
    sample_count: int


@dataclass(frozen=True, slots=True)
class TrainingConfiguration:
    """Hyper-parameters; `configuration_json` is a JSON object with anything else."""

    dataset_name: str = ""
    sample_count: int = 0
    epochs: float = 0.0
    learning_rate: float = 0.0
    configuration_json: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a version comes from."""

    run: str
    snapshots: Sequence[TrainingSnapshot]
    parent: str
    data_source_uri: str
    training: TrainingConfiguration | None
    package_versions: Mapping[str, str]
    seed: int


@dataclass(frozen=True, slots=True)
class OutputConstraint:
    """What a version's answers look like: exactly one of the three."""

    json_schema: str = ""
    pattern: str = ""
    grammar: str = ""


@dataclass(frozen=True, slots=True)
class Servability:
    """Whether one kind of server (`vllm`, `peft`) can serve a version, and why not."""

    engine: str
    servable: bool
    problems: Sequence[str]
    minimum_max_lora_rank: int


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature over the digests of all files."""

    bundle_json: str
    key_id: str
    trusted: bool


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Why a version was taken out of service; `actor` is empty where a check did it."""

    reason: str
    actor: str
    time: datetime


@dataclass(frozen=True, slots=True)
class DeletedData:
    """Records that were deleted since from what a version, or its ancestors, were trained on."""

    record_count: int
    first_time: datetime | None
    last_time: datetime | None


@dataclass(frozen=True, slots=True)
class Declared:
    """What an imported document says; nothing here was checked."""

    base_model_hash: str
    tokenizer_hash: str
    dataset_reference: str
    artifact_path: str
    format: str
    document: str
    id: str


@dataclass(frozen=True, slots=True)
class AdapterVersion:
    """One immutable result of a training; `name` is `<adapter>@<version>`.

    `state` is READY, DECLARED, QUARANTINED or DELETED, `method` LORA, QLORA or DORA. Lists and watches leave out
    files, layers, configurations and documents. `inherited_from` is for `find_versions` alone.
    """

    adapter: str
    version: int
    name: str
    state: str
    base_model: BaseModelReference
    method: str
    quantization: Quantization | None
    peft: PeftConfiguration
    artifact: Artifact
    provenance: Provenance
    task: str
    domains: Sequence[str]
    language: str
    constraint: OutputConstraint | None
    servability: Sequence[Servability]
    serving_hints_json: str
    metrics: Mapping[str, float]
    metadata: Mapping[str, str]
    signature: Signature | None
    quarantine: Quarantine | None
    deleted_data: DeletedData | None
    declared: Declared | None
    label: str
    creator: str
    create_time: datetime
    delete_time: datetime | None
    verify_time: datetime | None
    revision: int
    inherited_from: str
    inherited_deleted_data: DeletedData | None


@dataclass(frozen=True, slots=True)
class Alias:
    """A name that points at one version; `revision` is what the next move may expect."""

    adapter: str
    alias: str
    version: int
    revision: int
    update_time: datetime


@dataclass(frozen=True, slots=True)
class AliasMove:
    """A move of an alias; a version of 0 is none."""

    adapter: str
    alias: str
    revision: int
    time: datetime
    actor: str
    from_version: int
    to_version: int
    reason: str


@dataclass(frozen=True, slots=True)
class Adapter:
    """A line of versions that do one thing."""

    name: str
    description: str
    metadata: Mapping[str, str]
    latest_version: int
    aliases: Sequence[Alias]
    create_time: datetime
    update_time: datetime
    delete_time: datetime | None
    creator: str
    revision: int


#: An adapter that was put, deleted or restored; a version that was registered or changed; an alias that was moved.
AdapterChange: TypeAlias = "Adapter | AdapterVersion | AliasMove"


@dataclass(frozen=True, slots=True)
class AdapterCommit:
    """Everything that one commit changed, as it was at `revision`, in order.

    Without changes it only says that all before `revision` was seen.
    """

    revision: int
    changes: Sequence[AdapterChange]


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A value of a metric: at an optimizer step, of a data set, where it has one."""

    metric: str
    value: float
    time: datetime | None = None
    step: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """An Ed25519 public key in PEM, and whose it is; the server says its `key_id`, SHA-256 of the key in hex."""

    public_key: str
    description: str = ""
    key_id: str = ""


@dataclass(frozen=True, slots=True)
class SignaturePolicy:
    """Which signatures a tenant asks for; where `required`, nothing else is registered, resolved or downloaded."""

    required: bool = False
    trusted_keys: Sequence[TrustedKey] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault that a check found: `reason` as of an error, and what to do."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class LineageRun:
    """A run in a lineage; `state` as of `RunInfo`."""

    run: str
    state: str
    create_time: datetime
    end_time: datetime | None


@dataclass(frozen=True, slots=True)
class LineageRecord:
    """A record in a lineage; `subject` is empty where nobody said, or where the record is gone."""

    record: str
    subject: str
    deleted: bool


@dataclass(frozen=True, slots=True)
class LineageSnapshot:
    """A snapshot in a lineage; `available` where the export service still has it."""

    snapshot: TrainingSnapshot
    available: bool
    deleted_record_count: int
    records: Sequence[LineageRecord]


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a version came from, and what came from it.

    `unavailable` says why the export service could not be asked; empty where it was.
    """

    version: AdapterVersion
    run: LineageRun | None
    snapshots: Sequence[LineageSnapshot]
    parents: Sequence[AdapterVersion]
    children: Sequence[AdapterVersion]
    unavailable: str
