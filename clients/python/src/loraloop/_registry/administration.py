from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from loraloop._registry.messages import from_message, to_message
from loraloop._registry.values import Adapter, AdapterVersion, SignaturePolicy
from loraloop.errors import ConfigurationError
from loraloop.registry.v1 import adapter_service_pb2 as pb
from loraloop.registry.v1 import base_model_service_pb2 as base_model_pb

if TYPE_CHECKING:
    from loraloop._connection import Connection

#: A format of others that can be read, see `loraloop.registry.v1.ImportVersionsRequest`.
ImportFormat: TypeAlias = Literal["ADAPTER_METADATA", "ADAPTER_REGISTRY", "MODEL_CARD"]


class Administration:
    """The part of the registry that puts, deletes, restores and imports, and says which keys are trusted."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_adapter(
        self,
        adapter: str,
        *,
        description: str = "",
        metadata: Mapping[str, str] | None = None,
        expected_revision: int | None = None,
    ) -> Adapter:
        """Makes an adapter, or replaces its description and metadata.

        With `expected_revision` (0 for a new adapter) only where nobody changed it since, else ConflictError.
        """
        request = pb.PutAdapterRequest(
            adapter=adapter, description=description, metadata=metadata, expected_revision=expected_revision
        )
        # With a condition, a repetition would fail where the first try came through.
        response = self._connection.call(
            lambda opened: opened.adapters.PutAdapter, request, idempotent=expected_revision is None
        )
        return from_message(Adapter, response.adapter)

    def delete_adapter(self, adapter: str) -> None:
        """It is listed no more, its versions neither. FailedPreconditionError while an alias or a child needs one."""
        request = pb.DeleteAdapterRequest(adapter=adapter)
        self._connection.call(lambda opened: opened.adapters.DeleteAdapter, request)

    def restore_adapter(self, adapter: str) -> Adapter:
        """Brings a deleted adapter back, with the versions that were not deleted by themselves."""
        request = pb.RestoreAdapterRequest(adapter=adapter)
        return from_message(
            Adapter, self._connection.call(lambda opened: opened.adapters.RestoreAdapter, request).adapter
        )

    def put_version_metadata(
        self, version: str, metadata: Mapping[str, str], *, expected_revision: int | None = None
    ) -> AdapterVersion:
        """Replaces a version's metadata; `expected_revision` as of `put_adapter`."""
        request = pb.PutVersionMetadataRequest(version=version, metadata=metadata, expected_revision=expected_revision)
        response = self._connection.call(
            lambda opened: opened.adapters.PutVersionMetadata, request, idempotent=expected_revision is None
        )
        return from_message(AdapterVersion, response.version)

    def delete_version(self, version: str) -> None:
        """By number. It is listed no more and holds its snapshots no more; its files go after 24 hours.

        FailedPreconditionError while an alias points at it or a version has it as its parent.
        """
        request = pb.DeleteVersionRequest(version=version)
        self._connection.call(lambda opened: opened.adapters.DeleteVersion, request)

    def restore_version(self, version: str) -> AdapterVersion:
        """By number. Brings a deleted version back while its files are there, and holds its snapshots again."""
        request = pb.RestoreVersionRequest(version=version)
        response = self._connection.call(lambda opened: opened.adapters.RestoreVersion, request)
        return from_message(AdapterVersion, response.version)

    def delete_base_model(self, name: str, revision: str = "") -> None:
        """One that no version names, else FailedPreconditionError; `main` without a revision. Idempotent."""
        request = base_model_pb.DeleteBaseModelRequest(name=name, revision=revision)
        self._connection.call(lambda opened: opened.base_models.DeleteBaseModel, request)

    def import_versions(
        self,
        content: str,
        format: ImportFormat,  # noqa: A002 (the field's name)
        *,
        base_uri: str = "",
        adapter: str = "",
        validate_only: bool = False,
    ) -> Sequence[AdapterVersion]:
        """Makes DECLARED versions of what a document of others says, all or none; `verify_version` makes them READY.

        Paths in the document are below `base_uri`. `adapter` is that of a model card. An entry that was imported before
        gives its version of then. `validate_only` keeps nothing.
        """
        request = pb.ImportVersionsRequest(
            format=format_number(format, ImportFormat),
            content=content,
            base_uri=base_uri,
            adapter=adapter,
            validate_only=validate_only,
        )
        response = self._connection.call(lambda opened: opened.adapters.ImportVersions, request)
        return [from_message(AdapterVersion, version) for version in response.versions]

    def get_signature_policy(self) -> tuple[SignaturePolicy, int]:
        """Which signatures the tenant asks for, and the revision of that: `expected_revision` of the next policy."""
        request = pb.GetSignaturePolicyRequest()
        response = self._connection.call(lambda opened: opened.adapters.GetSignaturePolicy, request)
        return from_message(SignaturePolicy, response.policy), response.revision

    def put_signature_policy(
        self, policy: SignaturePolicy, *, expected_revision: int | None = None
    ) -> tuple[SignaturePolicy, int]:
        """Replaces it; needs the scope `admin`. Returns what `get_signature_policy` does.

        With `expected_revision` (0 where there was none) only where nobody changed it since, else ConflictError.
        """
        request = pb.PutSignaturePolicyRequest(
            policy=to_message(pb.SignaturePolicy, policy), expected_revision=expected_revision
        )
        response = self._connection.call(
            lambda opened: opened.adapters.PutSignaturePolicy, request, idempotent=expected_revision is None
        )
        return from_message(SignaturePolicy, response.policy), response.revision


def format_number(name: str, known: Any) -> Any:
    """Its number on the wire. Raises ConfigurationError where it is none of the `known`, a Literal."""
    names = get_args(known)
    if name not in names:
        raise ConfigurationError(f"format is {name[:60]!r}; expected one of {', '.join(names)}")
    return pb.RenderVersionsRequest.Format.Value(f"FORMAT_{name}")
