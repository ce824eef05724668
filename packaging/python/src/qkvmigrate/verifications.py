"""What verify prints with --json. Made from schema/verification.v1.schema.json by make_types.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional, Tuple


@dataclass(frozen=True)
class Geometry:
    """How many query heads, query groups and rows of a head there are."""

    n_head: int
    n_query_groups: int
    head_size: int


@dataclass(frozen=True)
class Coverage:
    """What was compared."""

    mode: Literal["quick", "full"]
    tensors: int
    moved_tensors: int
    renamed_names: int
    expanded_layers: Optional[int]
    """Layers whose LoRA is of higher rank and was multiplied out."""
    merged_weights: Optional[int]
    """Weights that a LoRA was added to: --lora merge."""
    entries: int
    """Regions of the file: entries of a zip, storages and what stands between them."""
    dropped_records: Optional[int]
    """Storages that nothing names and that must be left out: --drop-unreferenced."""
    checksums: int
    """CRC-32s that were computed from the bytes."""
    stored_checksums: Optional[int]
    """CRC-32s that the second file gives; formats other than the zip give none."""
    compared_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class ProofLine:
    """A line of what was compared, or not looked at. The words are for people and may change."""

    subject: str
    statement: str


@dataclass(frozen=True)
class Difference:
    """A place where the second file is not what the first one makes it."""

    place: str
    row: Optional[int]
    section: Optional[Literal["query", "key", "value"]]
    head: Optional[int]
    query_group: Optional[int]
    offset: Optional[int]
    """Bytes from the start of the second file."""
    problem: str


@dataclass(frozen=True)
class Original:
    """With --original-sha256 and --original-sha256sums: SHA-256 of the original, in hexadecimal digits."""

    sha256: Optional[str]
    """What the user gave; missing where the list has no line for the file."""
    made: Optional[str]
    """Of the original's bytes as they were made again from the second file."""


@dataclass(frozen=True)
class Error:
    """Why it could not be compared: a stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint file, or a directory whose other files differ."""

    path: str
    """The first file. With --original-sha256 and --original-sha256sums it is not there, and this is the second one."""
    output: str
    """The second file; the first one again where there was nothing to do."""
    status: Literal["verified", "differs", "refused"]
    exported: Optional[str]
    """Of an export: the class of Hugging Face's models that the first file became."""
    direction: Optional[Literal["upgrade", "downgrade"]]
    geometry: Optional[Geometry]
    coverage: Coverage
    covered: Optional[Tuple[ProofLine, ...]]
    """What was held against the first file, proof by proof. Where directories were named, what lies beside the checkpoint
    too."""
    left_out: Optional[Tuple[ProofLine, ...]]
    """What was not looked at: the status says nothing of it."""
    difference_count: int
    differences: Tuple[Difference, ...]
    """The first of them."""
    original: Optional[Original]
    seconds: float
    error: Optional[Error]


@dataclass(frozen=True)
class Tree:
    """Of two directories: what belongs to none of their checkpoints. Where it differs, its differences stand in an item of
    checkpoints with the same path."""

    path: str
    output: str
    status: Literal["verified", "differs"]
    covered: Tuple[ProofLine, ...]
    left_out: Tuple[ProofLine, ...]


@dataclass(frozen=True)
class Forward:
    """With --forward: what the two models said to the same tokens."""

    is_same: bool
    maximum_difference: float
    """Of the logits."""
    tolerance: float
    tokens: Tuple[int, ...]
    original_continuation: Tuple[int, ...]
    upgraded_continuation: Tuple[int, ...]


@dataclass(frozen=True)
class Verification:
    """What verify prints with --json. Within version 1 fields may be added; none is taken away or changes its meaning."""

    schema_version: int
    checkpoints: Tuple[Checkpoint, ...]
    tree: Optional[Tree]
    unlisted: Optional[Tuple[str, ...]]
    """With --original-sha256sums: files beside checkpoints for which there is no checksum. Nothing is said of them."""
    forward: Optional[Forward]
