"""Upgrades legacy LitGPT checkpoints: fused QKV rows from interleaved (attn.attn) to sequential (attn.qkv).

Each function runs one command of the program and returns its report. Options go by keyword under their names on the command
line, with ``_`` for ``-``: ``in_place=True`` is ``--in-place``, ``n_head=8`` is ``--n-head=8``, ``include=["*.pth", "*.bin"]``
gives ``--include`` twice, and False and None give nothing. ``qkvmigrate COMMAND --help`` lists them.

What goes wrong raises :class:`QkvMigrateError`. Ctrl-C ends the program as it does at a terminal, with no temporary file left, and
arrives as KeyboardInterrupt. What the program tells on the way goes to the logger ``qkvmigrate``, a record a line.
"""

from __future__ import annotations

from typing import Optional

from ._program import Option, QkvMigrateError, StrPath, call
from .reports import Report
from .verifications import Verification

__all__ = ["Option", "QkvMigrateError", "Report", "StrPath", "Verification", "downgrade", "export", "inspect", "recover", "upgrade", "verify"]


def inspect(path: StrPath, **options: Option) -> Report:
    """Tells what is in a checkpoint file, a checkpoint directory or a tree of them, and what an upgrade would change."""
    return call(Report, "inspect", [path], options)


def upgrade(path: StrPath, output: Optional[StrPath] = None, **options: Option) -> Report:
    """Rewrites legacy checkpoints: rows from interleaved to sequential, names from ``attn.attn`` to ``attn.qkv``.

    :param path: A checkpoint file, a checkpoint directory or a tree of them. It is not touched unless ``in_place`` is true.
    :param output: Where the result goes; NAME-qkv beside the source where it is not given.
    :raises QkvMigrateError: A checkpoint was refused or failed. The others of its tree are done, and stand in ``report``.
    """
    return call(Report, "upgrade", [path], {"output": output, **options})


def downgrade(path: StrPath, output: Optional[StrPath] = None, **options: Option) -> Report:
    """The inverse of :func:`upgrade`, for LitGPT before 0.5.4: gives the legacy file again, byte for byte."""
    return call(Report, "downgrade", [path], {"output": output, **options})


def verify(original: StrPath, upgraded: Optional[StrPath] = None, **options: Option) -> Verification:
    """Proves that an upgraded checkpoint is what its original makes it. ``covered`` and ``left_out`` of each checkpoint say what that was.

    :param original: The checkpoint file, directory or tree; or, with ``original_sha256`` or ``original_sha256sums``, the upgraded one alone.
    :param upgraded: What was made of it.
    :raises QkvMigrateError: They differ (code ``differs``), or one of them cannot be read. ``report`` says where.
    """
    return call(Verification, "verify", [original] if upgraded is None else [original, upgraded], options)


def export(path: StrPath, output: StrPath, **options: Option) -> Report:
    """Writes a model, legacy or upgraded, as a folder that Hugging Face's ``from_pretrained`` loads.

    :param path: A checkpoint file, a checkpoint directory or a tree of them.
    :param output: The directory that is written; a tree is mirrored in it.
    :raises QkvMigrateError: A checkpoint was refused or failed. The others of its tree are done, and stand in ``report``.
    """
    return call(Report, "export", [path], {"output": output, **options})


def recover(path: StrPath, **options: Option) -> Report:
    """Finishes what an interrupted upgrade or downgrade with ``in_place=True, journal=True`` left, or takes it back with ``undo=True``.

    :param path: A file by either of its names, or a directory with such files. Where nothing is left, the report has no checkpoints.
    """
    return call(Report, "recover", [path], options)
