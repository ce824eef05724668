"""Runs a program to its end, and ends it where its caller is interrupted."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import threading
from typing import IO, List, Mapping, Optional, Sequence

_LINE = re.compile(r"(?:qkvmigrate: )?(?:(?P<level>error|warning): )?(?P<text>.*)")
_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING}

_logger = logging.getLogger("qkvmigrate")
_logger.addHandler(logging.NullHandler())


class Run(threading.Thread):
    """A run of the program, in a thread of its own.

    KeyboardInterrupt comes up in the main thread, wherever that is. So it never does so between the start of the program and
    the place that would end it, and never while a system call waits for the program without an end.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(name="qkvmigrate")
        self.exit_code = 0
        self.output = b""
        self.told: List[str] = []
        """The lines of standard error."""
        self._words = words
        self._environment = environment
        self._gate = threading.Lock()
        self._is_cancelled = False
        # Python up to 3.12 takes a thread for ended when join is interrupted.
        self._has_ended = threading.Event()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._error: Optional[Exception] = None

    def finish(self) -> None:
        """Starts the program and waits for its end; where something interrupts that, the program is ended as by Ctrl-C."""
        try:
            self.start()
            self._wait()
        except BaseException:
            self._cancel()
            raise
        if self._error is not None:
            raise self._error

    def run(self) -> None:
        """The work of the thread."""
        try:
            self._run()
        except Exception as error:  # noqa: BLE001: it is raised again where the caller waits
            self._error = error
        finally:
            self._has_ended.set()

    def _run(self) -> None:
        with self._gate:
            if self._is_cancelled:
                return
            self._process = subprocess.Popen(
                self._words, env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        assert self._process.stdout is not None and self._process.stderr is not None
        with self._process:
            listener = threading.Thread(target=self._listen, args=(self._process.stderr,))
            listener.start()
            self.output = self._process.stdout.read()
            listener.join()
        self.exit_code = self._process.returncode

    def _listen(self, lines: IO[bytes]) -> None:
        """Hands on what the program tells, as it comes, so that its pipe never fills."""
        for line in lines:
            match = _LINE.fullmatch(line.decode("utf-8", "replace").rstrip("\r\n"))
            if match and match["text"]:
                self.told.append(match["text"])
                _logger.log(_LEVELS.get(match["level"], logging.INFO), "%s", match["text"])

    def _wait(self) -> None:
        # A signal that comes just before a call that waits is seen only behind it: so none of them waits for long.
        while not self._has_ended.wait(0.1):
            pass

    def _cancel(self) -> None:
        """Waits until the program has taken its temporary files away, however often Ctrl-C is pressed."""
        with self._gate:
            self._is_cancelled = True
            if self._process is not None and os.name != "nt":  # There Ctrl-C has reached the program by itself.
                self._process.send_signal(signal.SIGINT)
        while self.ident is not None and not self._has_ended.is_set():
            try:
                self._wait()
            except KeyboardInterrupt:
                continue
