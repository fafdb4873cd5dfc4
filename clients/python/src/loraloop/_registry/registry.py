from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, TypeAlias

import orjson

from loraloop._registry.administration import Administration, format_number
from loraloop._registry.base_model_source import ModelSource, base_model_from
from loraloop._registry.closing import check_closable, close_with
from loraloop._registry.digests import FileDifference, compare_files, files_in
from loraloop._registry.download import download
from loraloop._registry.folder_cache import FolderCache, default_cache
from loraloop._registry.messages import from_message, to_message
from loraloop._registry.registration import (
    AdapterSource,
    BaseModelName,
    add_files,
    check_source,
    quantization_of,
    to_reference,
)
from loraloop._registry.revision_list import RevisionList
from loraloop._registry.signing import PrivateKey, sign_files
from loraloop._registry.values import (
    Adapter,
    AdapterVersion,
    AliasMove,
    BaseModel,
    Lineage,
    MetricValue,
    OutputConstraint,
    Problem,
    Quantization,
    TrainingConfiguration,
)
from loraloop._registry.watch import AdapterWatch, WatchCursor
from loraloop._runs import Run
from loraloop._times import Time, to_timestamp
from loraloop.errors import ConfigurationError
from loraloop.registry.v1 import adapter_pb2 as adapter_pb
from loraloop.registry.v1 import adapter_service_pb2 as pb
from loraloop.registry.v1 import base_model_service_pb2 as base_model_pb

#: A format of others, see `loraloop.registry.v1.RenderVersionsRequest.Format`.
Format: TypeAlias = Literal[
    "ADAPTER_METADATA",
    "ADAPTER_REGISTRY",
    "MODEL_CARD",
    "PEFT_CONFIGURATION",
    "VLLM_ARGUMENTS",
    "FOLDER_LAYOUT",
]


class Registry(Administration):
    """Base models, adapters and their versions: `client.registry`.

    A version is named `<adapter>@<number>` or `<adapter>@<alias>`.
    """

    def register_base_model(
        self,
        source: BaseModel | ModelSource,
        *,
        name: str = "",
        revision: str = "",
        folder: str | os.PathLike[str] | None = None,
        other_names: Sequence[str] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> BaseModel:
        """Registers what `loraloop.base_model_from` says of a model or folder, or a BaseModel as it is.

        The same again gives what is there; other content under the same name and revision is BASE_MODEL_CONFLICT.
        """
        if not isinstance(source, BaseModel):
            source = base_model_from(
                source, name=name, revision=revision, folder=folder, other_names=other_names, metadata=metadata
            )
        request = base_model_pb.RegisterBaseModelRequest(base_model=to_message(base_model_pb.BaseModel, source))
        response = self._connection.call(lambda opened: opened.base_models.RegisterBaseModel, request)
        return from_message(BaseModel, response.base_model)

    def get_base_model(self, name: str, revision: str = "") -> BaseModel:
        """By name or one of its other names. Without a revision the only one, else `main`."""
        request = base_model_pb.GetBaseModelRequest(name=name, revision=revision)
        response = self._connection.call(lambda opened: opened.base_models.GetBaseModel, request)
        return from_message(BaseModel, response.base_model)

    def list_base_models(self) -> Iterator[BaseModel]:
        """By name and revision, without layers and configuration."""
        request = base_model_pb.ListBaseModelsRequest()
        for page in self._pages(lambda opened: opened.base_models.ListBaseModels, request):
            yield from (from_message(BaseModel, model) for model in page.base_models)

    def register(
        self,
        source: AdapterSource,
        *,
        adapter: str,
        base_model: BaseModelName | None = None,
        run: Run | str = "",
        snapshots: Sequence[str] = (),
        parent: str = "",
        alias: str = "",
        metrics: Mapping[str, float] | None = None,
        metadata: Mapping[str, str] | None = None,
        quantization: Quantization | None = None,
        data_source_uri: str = "",
        training: TrainingConfiguration | None = None,
        task: str = "",
        domains: Sequence[str] = (),
        language: str = "",
        constraint: OutputConstraint | None = None,
        serving_hints: Mapping[str, Any] | None = None,
        label: str = "",
        private_key: PrivateKey | None = None,
        close_run: bool = False,
    ) -> AdapterVersion:
        """Makes the next version of an adapter: the one call at the end of a training.

        `source` is a model of PEFT (its active adapter is saved), a folder that PEFT has saved, or a URI that the
        registry may read. Files are sent where the registry does not have them; it checks them against their
        configuration and the base model, which is registered before: by default the one that the configuration names.
        Then weights and tokenizer of the folder that the base model was loaded from, or the weights that the Hub's
        client keeps of its commit, are compared with what was registered, except of quantised copies and of a URI. That
        reads these files once in a process, a second or two for each GB. With a `base_model` only what it says is
        compared, and nothing is read. With a `run`, its snapshots are held, and its environment and metrics become the
        version's; `close_run` closes it as succeeded, with the version's name, and the same again gives the same
        version; where it was closed with anything else, nothing is registered. `alias` points at the new version from
        the same moment on. Of a quantised model, `quantization` is found by itself. `private_key` signs; files of a URI
        are signed afterwards, with `sign`. Whatever breaks off is tried again and makes one version.
        """
        closing = run if close_run and isinstance(run, Run) else None
        if close_run and closing is None:
            raise ConfigurationError("close_run needs the run itself, as run=")
        check_source(source)
        quantization = quantization or quantization_of(source)
        request = pb.RegisterVersionRequest(
            adapter=adapter,
            base_model=to_reference(base_model) if base_model is not None else None,
            run=run.id if isinstance(run, Run) else run,
            snapshots=snapshots,
            parent=parent,
            alias=alias,
            metrics=metrics,
            metadata=metadata,
            quantization=to_message(adapter_pb.Quantization, quantization) if quantization is not None else None,
            data_source_uri=data_source_uri,
            training=to_message(adapter_pb.TrainingConfiguration, training) if training is not None else None,
            task=task,
            domains=domains,
            language=language,
            constraint=to_message(adapter_pb.OutputConstraint, constraint) if constraint is not None else None,
            serving_hints_json=orjson.dumps(serving_hints).decode() if serving_hints else "",
            label=label,
        )
        add_files(self._connection, request, source, private_key)
        # Sent twice, it makes one version; where a run is closed, also after it could not be.
        request.request = _named_by_content(request, base_model) if close_run else secrets.token_hex(16)
        if closing is not None:
            check_closable(self._connection, closing, request)
        patience = self._connection.patience
        response = self._connection.call(lambda opened: opened.adapters.RegisterVersion, request, timeout=patience)
        if closing is not None:
            close_with(closing, response.version.name)
        return from_message(AdapterVersion, response.version)

    def resolve(self, name: str, *, engine: str = "") -> AdapterVersion:
        """The version behind a name, where it may be served, else VersionNotServableError.

        With an `engine` (`vllm`, `peft`) only where that can serve it.
        """
        request = pb.ResolveAliasRequest(name=name, engine=engine)
        response = self._connection.call(lambda opened: opened.adapters.ResolveAlias, request)
        return from_message(AdapterVersion, response.version)

    def get_version(self, version: str) -> AdapterVersion:
        """A version, whatever its state."""
        request = pb.GetVersionRequest(version=version)
        response = self._connection.call(lambda opened: opened.adapters.GetVersion, request)
        return from_message(AdapterVersion, response.version)

    def get_adapter(self, adapter: str, *, include_deleted: bool = False) -> Adapter:
        """An adapter with its aliases."""
        request = pb.GetAdapterRequest(adapter=adapter, include_deleted=include_deleted)
        response = self._connection.call(lambda opened: opened.adapters.GetAdapter, request)
        return from_message(Adapter, response.adapter)

    def list_adapters(
        self,
        *,
        filter: str = "",  # noqa: A002 (the field's name)
        include_deleted: bool = False,
    ) -> RevisionList[Adapter]:
        """Adapters by name; `filter` is CEL over `adapter`."""
        request = pb.ListAdaptersRequest(filter=filter, include_deleted=include_deleted)
        pages = self._pages(lambda opened: opened.adapters.ListAdapters, request)
        return RevisionList(
            (page.revision, [from_message(Adapter, adapter) for adapter in page.adapters]) for page in pages
        )

    def list_versions(
        self,
        adapter: str = "",
        *,
        filter: str = "",  # noqa: A002 (the field's name)
        include_deleted: bool = False,
    ) -> RevisionList[AdapterVersion]:
        """Versions by adapter and number, of one adapter or all; `filter` is CEL over `version`.

        Without files, layers, configurations and documents.
        """
        request = pb.ListVersionsRequest(adapter=adapter, filter=filter, include_deleted=include_deleted)
        pages = self._pages(lambda opened: opened.adapters.ListVersions, request)
        return RevisionList(
            (page.revision, [from_message(AdapterVersion, version) for version in page.versions]) for page in pages
        )

    def watch(self, *, after_revision: int | None = None, adapter: str = "") -> AdapterWatch:
        """Every commit after a revision, or from now on, of one adapter or all; goes on until it is closed.

        `after_revision=` the `revision` of the last commit, or of a list, goes on without a gap.
        RevisionCompactedError where it is no longer kept: then list again.
        """
        return AdapterWatch(self._connection, WatchCursor(after_revision, adapter))

    def move_alias(
        self, adapter: str, alias: str, version: int, *, expected_revision: int | None = None, reason: str = ""
    ) -> AliasMove:
        """Points an alias at a version, or removes it with version 0.

        With `expected_revision` (0 for a new alias) only where nobody moved it since, else ConflictError.
        """
        request = pb.MoveAliasRequest(
            adapter=adapter, alias=alias, version=version, expected_revision=expected_revision, reason=reason
        )
        # With a condition, a repetition would fail where the first try came through.
        response = self._connection.call(
            lambda opened: opened.adapters.MoveAlias, request, idempotent=expected_revision is None
        )
        return from_message(AliasMove, response.move)

    def list_alias_moves(self, adapter: str, alias: str = "") -> Iterator[AliasMove]:
        """Moves of an alias, or of all of an adapter, newest first."""
        request = pb.ListAliasMovesRequest(adapter=adapter, alias=alias)
        for page in self._pages(lambda opened: opened.adapters.ListAliasMoves, request):
            yield from (from_message(AliasMove, move) for move in page.moves)

    def report_metrics(
        self, version: str, metrics: Mapping[str, float], *, step: int = 0, source: str = "", time: Time | None = None
    ) -> AdapterVersion:
        """Adds values, at most 1,000, measured at `time` (now), at an optimizer step, on a data set. They are finite.

        The same again, with the same time, replaces them.
        """
        # Said again after a lost answer, values without a time would be others.
        at = to_timestamp(time if time is not None else datetime.now(timezone.utc))
        values = [
            adapter_pb.MetricValue(metric=metric, value=value, time=at, step=step, source=source)
            for metric, value in metrics.items()
        ]
        request = pb.ReportMetricsRequest(version=version, values=values)
        response = self._connection.call(lambda opened: opened.adapters.ReportMetrics, request)
        return from_message(AdapterVersion, response.version)

    def list_metrics(self, version: str, metric: str = "") -> Iterator[MetricValue]:
        """Values of a metric, or of all, by metric, time, step and source."""
        request = pb.ListMetricsRequest(version=version, metric=metric)
        for page in self._pages(lambda opened: opened.adapters.ListMetrics, request):
            yield from (from_message(MetricValue, value) for value in page.values)

    def get_lineage(self, version: str, *, records: int = 0) -> Lineage:
        """What a version came from, with the first `records` of each snapshot (at most 1,000), and its children.

        For records the token needs `export.read` too.
        """
        request = pb.GetLineageRequest(version=version, records=records)
        response = self._connection.call(lambda opened: opened.adapters.GetLineage, request)
        return from_message(Lineage, response)

    def find_versions(
        self,
        *,
        collection: str = "",
        record: str = "",
        subject: str = "",
        snapshot: str = "",
        run: str = "",
        parent: str = "",
        base_model: BaseModelName | None = None,
    ) -> Iterator[AdapterVersion]:
        """Versions that came from one thing, each once, deleted ones too.

        A record of a collection, a subject (of one collection or all), a snapshot, a run, a parent or a base model. By
        record, subject, snapshot or run then also all that were trained on from these, in whatever number of steps:
        `inherited_from` names the ancestor. By record or subject the token needs `export.read` too.
        """
        origins: dict[str, Any] = {
            "record": pb.FindVersionsRequest.Record(collection=collection, record=record) if record else None,
            "subject": pb.FindVersionsRequest.Subject(collection=collection, subject=subject) if subject else None,
            "snapshot": snapshot or None,
            "run": run or None,
            "parent": parent or None,
            "base_model": to_reference(base_model) if base_model is not None else None,
        }
        given = {name: origin for name, origin in origins.items() if origin is not None}
        if len(given) != 1:
            raise TypeError(f"give exactly one of {', '.join(f'{name}=' for name in origins)}")
        seen: set[str] = set()
        for page in self._pages(lambda opened: opened.adapters.FindVersions, pb.FindVersionsRequest(**given)):
            for version in page.versions:
                if version.name not in seen:
                    seen.add(version.name)
                    yield from_message(AdapterVersion, version)

    def download(
        self,
        version: str | AdapterVersion,
        *,
        cache: str | os.PathLike[str] | None = None,
        allow_unservable: bool = False,
    ) -> Path:
        """A version's files in a folder of the cache, each compared with its digest; fetched where they are not there.

        Asks the registry each time whether the version may be served, unless `allow_unservable`. The cache, by default
        `$XDG_CACHE_HOME/loraloop/adapters`, is shared by processes. The folder is not to be written into.
        """
        name = version.name if isinstance(version, AdapterVersion) else version
        known = self.get_version(name) if allow_unservable else self.resolve(name)
        folders = FolderCache(Path(cache) if cache is not None else default_cache())
        return folders.get(
            known.artifact, lambda folder: download(self._connection, known.name, allow_unservable, folder)
        )

    def verify_folder(self, version: str, folder: str | os.PathLike[str]) -> Sequence[FileDifference]:
        """How the files of a folder differ from those that were registered; empty where they are the same."""
        return compare_files(self.get_version(version).artifact.files, files_in(Path(folder)))

    def verify_version(self, version: str) -> Sequence[Problem]:
        """Lets the registry read a version's files again; empty where nothing is wrong.

        A DECLARED version becomes READY or QUARANTINED by it.
        """
        request, patience = pb.VerifyVersionRequest(version=version), self._connection.patience
        response = self._connection.call(lambda opened: opened.adapters.VerifyVersion, request, timeout=patience)
        return [from_message(Problem, problem) for problem in response.problems]

    def quarantine_version(self, version: str, reason: str) -> AdapterVersion:
        """Takes a version out of service: aliases that point at it resolve no more."""
        request = pb.QuarantineVersionRequest(version=version, reason=reason)
        response = self._connection.call(lambda opened: opened.adapters.QuarantineVersion, request)
        return from_message(AdapterVersion, response.version)

    def release_version(self, version: str) -> AdapterVersion:
        """Ends a quarantine."""
        request = pb.ReleaseVersionRequest(version=version)
        response = self._connection.call(lambda opened: opened.adapters.ReleaseVersion, request)
        return from_message(AdapterVersion, response.version)

    def sign(self, version: str, private_key: PrivateKey) -> AdapterVersion:
        """Signs the digests of a version's files with an Ed25519 key, and keeps the signature with the version.

        Check the files before, with `verify_folder`. Needs the extra `sign`.
        """
        known = self.get_version(version)
        bundle = sign_files(known.artifact.files, private_key, known.name)
        request = pb.SignVersionRequest(version=known.name, signature_bundle_json=bundle)
        response = self._connection.call(lambda opened: opened.adapters.SignVersion, request)
        return from_message(AdapterVersion, response.version)

    def render_versions(self, versions: Sequence[str], format: Format, *, path_template: str = "") -> str:  # noqa: A002 (the field's name)
        """Versions in a format of others, e.g. VLLM_ARGUMENTS, one a line.

        `path_template` says where the reader finds the files (`{name}`, `{adapter}`, `{version}`, `{layout}`); by
        default where the registry has them.
        """
        number = format_number(format, Format)
        request = pb.RenderVersionsRequest(versions=versions, format=number, path_template=path_template)
        return self._connection.call(lambda opened: opened.adapters.RenderVersions, request).content

    def _pages(self, method: Callable[[Any], Any], request: Any) -> Iterator[Any]:
        while True:
            page: Any = self._connection.call(method, request)
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def _named_by_content(request: pb.RegisterVersionRequest, base_model: BaseModelName | None) -> str:
    """By what was said: what lies on this disk may be gone when the same is asked again."""
    said = pb.RegisterVersionRequest()
    said.CopyFrom(request)
    if base_model is None:
        said.ClearField("base_model")
    return hashlib.sha256(said.SerializeToString(deterministic=True)).hexdigest()
