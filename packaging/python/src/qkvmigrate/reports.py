"""What inspect, upgrade, downgrade, export and report print with --json. Made from schema/report.v1.schema.json by make_types.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional, Tuple


@dataclass(frozen=True)
class Geometry:
    """How many query heads, query groups and rows of a head there are."""

    n_head: int
    n_query_groups: int
    head_size: int
    source: str
    """Where the numbers came from."""


@dataclass(frozen=True)
class Tensors:
    """How many tensors there are, and what becomes of them."""

    total: int
    reordered: int
    """Tensors whose rows move."""
    renamed: int
    """Tensors that change, in name, rows or both."""
    untouched: int


@dataclass(frozen=True)
class Bytes:
    """How many bytes the files have, and what becomes of them."""

    source: int
    output: Optional[int]
    reordered: int
    copied: int


@dataclass(frozen=True)
class Message:
    """A stable code and a sentence."""

    code: str
    message: str


@dataclass(frozen=True)
class Unreferenced:
    """Storages that the file carries and nothing in it names; inspect alone."""

    records: int
    bytes: int


@dataclass(frozen=True)
class Global:
    """A name of a module and of what is in it, with the first place of its use."""

    name: str
    safety: Literal["safe", "unknown", "dangerous"]
    where: str
    offset: int
    """Bytes from the start of the file."""
    why: Optional[str]


@dataclass(frozen=True)
class Ranking:
    """An order of the rows, and how well it fits the weights."""

    layout: str
    n_head: Optional[int]
    n_query_groups: Optional[int]
    head_size: Optional[int]
    explained: float
    """The share of the variance of the rows' norms that this order explains."""


@dataclass(frozen=True)
class Evidence:
    """What the weights say about the geometry, where they were asked."""

    layers: int
    has_winner: bool
    """Whether the first of the ranking stands out."""
    ranking: Tuple[Ranking, ...]


@dataclass(frozen=True)
class File:
    """A file of weights."""

    name: str
    bytes: int
    tensors: int


@dataclass(frozen=True)
class Export:
    """What an export writes; export alone."""

    family: str
    """The family of Hugging Face's models."""
    dtype: str
    """The element type of most of the weights."""
    files: Tuple[File, ...]
    companions: Tuple[str, ...]
    """The names of the other files."""


@dataclass(frozen=True)
class Move:
    """A tensor that changes."""

    from_: str
    to: str
    dtype: str
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]
    new_shape: Optional[Tuple[int, ...]]
    dimension: Optional[int]
    """Along which its rows move; missing where it is only renamed."""
    byte_ranges: Tuple[Tuple[int, int], ...]
    """[offset in the source, length] of each block that changes."""


@dataclass(frozen=True)
class Name:
    """A name that changes."""

    from_: str
    to: str


@dataclass(frozen=True)
class Plan:
    """What happens to which tensor; inspect, --dry-run and --verbose."""

    moves: Tuple[Move, ...]
    names: Tuple[Name, ...]
    """Names that change without a tensor."""
    runs: Tuple[Tuple[int, int], ...]
    """[first source row, rows] in the order of the destination."""


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint file, or a path that is of no use as a whole."""

    path: str
    """The file, as it was named or found."""
    output: Optional[str]
    """The file that was or would be written."""
    format: Optional[Literal["torch-zip", "torch-legacy", "safetensors"]]
    status: Literal["upgraded", "downgraded", "exported", "planned", "unchanged", "skipped", "refused", "failed", "pending", "recovered"]
    """upgraded, downgraded: rewritten. exported: written as a model of Hugging Face's. planned: would be. unchanged:
    nothing to do. skipped: finished by an earlier run, or beside a checkpoint that was refused; the advice says which.
    refused: not worked on, for a reason in the checkpoint or the request. failed: ended by the system. pending: found by a
    batch, and not done by any of its runs. recovered: an interrupted change in place had left it, and it is whole again;
    the advice says whether it is the new file or the old one."""
    layout: Optional[Literal["none", "interleaved", "sequential", "foreign", "gpt-neox", "megatron-core"]]
    geometry: Optional[Geometry]
    tensors: Tensors
    bytes: Bytes
    sha256: Optional[str]
    """Of the output, where a batch wrote it into a tree, or with --verify full."""
    source_sha256: Optional[str]
    """SHA-256 of the source, with --verify full of upgrade and downgrade."""
    seconds: float
    """Wall time."""
    configuration: Tuple[str, ...]
    """Changes to the configuration beside it, a line each."""
    advice: Tuple[Message, ...]
    unreferenced: Optional[Unreferenced]
    globals: Optional[Tuple[Global, ...]]
    """What its pickles name outside of themselves; inspect alone."""
    evidence: Optional[Evidence]
    export: Optional[Export]
    plan: Optional[Plan]
    error: Optional[Message]


@dataclass(frozen=True)
class Report:
    """What inspect, upgrade, downgrade, export and report print with --json. Within version 1 fields may be added; none is
    taken away or changes its meaning."""

    schema_version: int
    checkpoints: Tuple[Checkpoint, ...]
