"""The contract as a set of descriptors: what a tool that does not speak Python needs to make calls."""

from __future__ import annotations

from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from visrec.v1 import embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2


def descriptors() -> FileDescriptorSet:
    """The contract's files, each after those that it imports."""
    files: dict[str, FileDescriptor] = {}

    def add(file: FileDescriptor) -> None:
        for imported in file.dependencies:
            add(imported)
        files[file.name] = file

    for module in (embedder_pb2, indexer_pb2, profile_pb2, ranker_pb2):
        add(module.DESCRIPTOR)
    found = FileDescriptorSet()
    for file in files.values():
        file.CopyToProto(found.file.add())
    return found
