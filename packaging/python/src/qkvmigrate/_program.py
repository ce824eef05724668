"""Runs the native program that lies in this package."""

from __future__ import annotations

import json
import numbers
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Iterator, Mapping, NoReturn, Optional, Sequence, Type, TypeVar, Union

from ._decoding import decode
from ._libtorch import environment
from ._running import Run
from .reports import Report
from .verifications import Verification

StrPath = Union[str, "os.PathLike[str]"]
"""A path, as Python's own functions take it."""

Option = Union[None, bool, int, float, StrPath, Sequence[StrPath]]
"""The value of an option: true for a switch, several for an option that may be given again; None and False leave it out."""

Document = TypeVar("Document", Report, Verification)

PROGRAM = Path(__file__).parent / "bin" / ("qkvmigrate.exe" if os.name == "nt" else "qkvmigrate")

_DONE = 0
_USAGE = 2
_LEGACY_FOUND = 3
_UNEXPECTED = 70
_CANCELLED = {129, 130, 131, 143}


class QkvMigrateError(Exception):
    """The program did not do, or not wholly do, what it was asked for.

    ``code`` is a word that does not change from version to version: that of the first checkpoint that failed or was refused
    (``docs/errors.md`` lists them), ``differs`` for a verification that found a difference,
    ``usage`` for options that make no sense, ``cancelled`` for a run that a signal ended, ``output`` for a report that did
    not arrive, ``program`` where this system does not run the program, ``unexpected`` for a bug of it. ``message`` is one line
    of English.
    """

    def __init__(self, code: str, message: str, report: Union[Report, Verification, None] = None) -> None:
        super().__init__(code, message, report)
        self.code = code
        self.message = message
        self.report = report
        """What the program reported of all checkpoints, those that went well included; None where it reported nothing."""

    def __str__(self) -> str:
        return self.message


def main() -> NoReturn:
    """The console script: becomes the program, so that signals, streams and the exit code are the program's own."""
    words = [str(PROGRAM), *sys.argv[1:]]
    if os.name == "nt":
        # Here a process cannot become another one. Ctrl-C reaches both, and the program decides how it ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        sys.exit(subprocess.call(words, env=environment()))
    os.execve(PROGRAM, words, environment())


def call(document: Type[Document], command: str, paths: Sequence[StrPath], options: Mapping[str, Option]) -> Document:
    """Runs a command with ``--json`` and reads its report."""
    words = [str(PROGRAM), command, "--json", *_words(options), "--", *(os.fspath(path) for path in paths)]
    run = Run(words, environment())
    try:
        run.finish()
    except OSError as error:
        raise QkvMigrateError("program", f"the program cannot be run: {error}") from error
    report = _read(document, run.output)
    if run.exit_code in (_DONE, _LEGACY_FOUND) and report is not None:
        return report
    raise _error(run.exit_code, report, run.told[-1] if run.told else "")


def _words(options: Mapping[str, Option]) -> Iterator[str]:
    """Options as words of a command line. A value stands behind ``=``, so that it may start with a dash."""
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            yield option
        else:
            yield from (f"{option}={_text(item)}" for item in _items(value))


def _items(value: object) -> Sequence[object]:
    """The values of an option that may be given again, or the one."""
    return value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else [value]


def _text(value: object) -> str:
    """A value as a word of the command line."""
    if isinstance(value, (str, bytes, os.PathLike)):
        return os.fsdecode(value)
    if isinstance(value, numbers.Number):
        return str(value)
    raise TypeError(f"expected a text, a path or a number, or a list or tuple of them, not {value!r}")


def _read(document: Type[Document], output: bytes) -> Optional[Document]:
    try:
        value: Any = json.loads(output)
    except ValueError:
        return None
    return decode(document, value)


def _error(exit_code: int, report: Union[Report, Verification, None], told: str) -> QkvMigrateError:
    """The exception for a run that did not end well."""
    for checkpoint in report.checkpoints if report else ():
        if checkpoint.error is not None:
            return QkvMigrateError(checkpoint.error.code, checkpoint.error.message, report)
    if isinstance(report, Verification):
        return QkvMigrateError("differs", _difference(report), report)
    code = {_DONE: "output", _USAGE: "usage", _UNEXPECTED: "unexpected"}.get(exit_code, "failed")
    if exit_code < 0 or exit_code in _CANCELLED:
        code = "cancelled"
    return QkvMigrateError(code, told or f"the program ended with {exit_code}", report)


def _difference(report: Verification) -> str:
    """The first difference, and how many there are."""
    count = sum(checkpoint.difference_count for checkpoint in report.checkpoints)
    for checkpoint in report.checkpoints:
        for difference in checkpoint.differences:
            return f"{checkpoint.output}: {difference.place}: {difference.problem} ({count} differences in all)"
    return "the two models do not say the same"
