"""Streams, runs and adapters for asyncio: the names, arguments and promises of `loraloop`, awaited."""

from loraloop.aio._client import Client
from loraloop.aio._registry import AdapterWatch, Registry
from loraloop.aio._runs import Run, Runs
from loraloop.aio._stream import SampleStream

__all__ = ["AdapterWatch", "Client", "Registry", "Run", "Runs", "SampleStream"]
