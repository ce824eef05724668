"""The installed module, as a program of the user's calls it. WheelTests.cs installs the wheel and runs this in its environment."""

from __future__ import annotations

import dataclasses
import filecmp
import json
import logging
import numbers
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from typing import Callable

import qkvmigrate
from qkvmigrate import QkvMigrateError, reports, verifications

SAMPLE = pathlib.Path(os.environ["QKVMIGRATE_TEST_SAMPLE"])
"""A checkpoint directory."""

LARGE = pathlib.Path(os.environ["QKVMIGRATE_TEST_LARGE"])
"""A legacy checkpoint that takes long enough to be caught at work."""

LARGE_OPTIONS = json.loads(os.environ["QKVMIGRATE_TEST_LARGE_OPTIONS"])
"""What the module has to be told of it."""


class ModuleTest(unittest.TestCase):
    """A test with a folder of its own, which is the working directory."""

    def setUp(self) -> None:
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.folder)


class ReportTests(ModuleTest):
    """What the functions return."""

    def test_inspect_tells_what_is_in_a_checkpoint(self) -> None:
        report = qkvmigrate.inspect(SAMPLE)

        self.assertEqual(1, report.schema_version)
        (checkpoint,) = report.checkpoints
        self.assertEqual((str(SAMPLE / "lit_model.pth"), "torch-zip", "planned"), (checkpoint.path, checkpoint.format, checkpoint.status))
        self.assertEqual("interleaved", checkpoint.layout)
        self.assertEqual(reports.Geometry(n_head=8, n_query_groups=2, head_size=16, source="model_config.yaml"), checkpoint.geometry)
        self.assertEqual(reports.Tensors(total=31, reordered=4, renamed=4, untouched=27), checkpoint.tensors)
        self.assertEqual("lora-finetuning-random-init", checkpoint.advice[0].code)
        self.assertIsNone(checkpoint.error)
        assert checkpoint.plan is not None and checkpoint.globals is not None
        moves = checkpoint.plan.moves
        self.assertEqual([f"transformer.h.{layer}.attn.qkv.weight" for layer in range(4)], [move.to for move in moves])
        self.assertEqual([(192, 128)] * 4, [move.shape for move in moves])
        self.assertTrue(moves[0].from_.endswith("transformer.h.0.attn.attn.weight"))
        self.assertEqual(192, sum(length for _, length in checkpoint.plan.runs))
        self.assertEqual({"safe"}, {name.safety for name in checkpoint.globals})

    def test_upgrade_and_downgrade_give_the_old_file_again(self) -> None:
        (upgraded,) = qkvmigrate.upgrade(SAMPLE, "new", verify="full").checkpoints
        (downgraded,) = qkvmigrate.downgrade("new", output=pathlib.Path("old")).checkpoints

        self.assertEqual(("upgraded", "new/lit_model.pth"), (upgraded.status, upgraded.output))
        self.assertEqual(("downgraded", "old/lit_model.pth"), (downgraded.status, downgraded.output))
        self.assertFalse(filecmp.cmp(SAMPLE / "lit_model.pth", "new/lit_model.pth", shallow=False))
        self.assertTrue(filecmp.cmp(SAMPLE / "lit_model.pth", "old/lit_model.pth", shallow=False))

    def test_verify_compares(self) -> None:
        qkvmigrate.upgrade(SAMPLE, "new")

        checkpoint = qkvmigrate.verify(SAMPLE, "new").checkpoints[0]

        self.assertEqual(("verified", "upgrade", 0, ()), (checkpoint.status, checkpoint.direction, checkpoint.difference_count, checkpoint.differences))
        self.assertEqual(verifications.Geometry(n_head=8, n_query_groups=2, head_size=16), checkpoint.geometry)
        self.assertEqual(("full", 31, 4), (checkpoint.coverage.mode, checkpoint.coverage.tensors, checkpoint.coverage.moved_tensors))

    def test_export_writes_a_folder_for_hugging_face(self) -> None:
        (checkpoint,) = qkvmigrate.export(SAMPLE, "exported", dtype="float32").checkpoints

        self.assertEqual(("exported", "exported/model.safetensors"), (checkpoint.status, checkpoint.output))
        assert checkpoint.export is not None
        self.assertEqual(("llama", "float32"), (checkpoint.export.family, checkpoint.export.dtype))
        self.assertEqual([reports.File("model.safetensors", os.path.getsize("exported/model.safetensors"), 39)], list(checkpoint.export.files))
        self.assertEqual({"model.safetensors", *checkpoint.export.companions}, set(os.listdir("exported")))

    def test_reports_cannot_be_changed(self) -> None:
        report = qkvmigrate.inspect(SAMPLE)
        with self.assertRaises(dataclasses.FrozenInstanceError):
            setattr(report.checkpoints[0], "status", "upgraded")

    def test_options_become_words_of_the_command_line(self) -> None:
        for name in ("-a.pth", "-b.pth", "c.pth"):
            shutil.copy(SAMPLE / "lit_model.pth", self.folder / name)
        shutil.copy(SAMPLE / "model_config.yaml", self.folder)
        report = qkvmigrate.upgrade(
            ".", include=["-a.pth", "-b.pth"], exclude=None, force=False, dry_run=True, config=SAMPLE / "model_config.yaml", n_head=8)
        self.assertEqual(["./-a.pth", "./-b.pth"], sorted(checkpoint.path for checkpoint in report.checkpoints))
        self.assertEqual({("planned", 8)}, {(checkpoint.status, checkpoint.geometry and checkpoint.geometry.n_head) for checkpoint in report.checkpoints})
        self.assertEqual(["-a.pth", "-b.pth", "c.pth", "model_config.yaml"], sorted(os.listdir()))
        self.assertEqual("planned", qkvmigrate.inspect("-a.pth").checkpoints[0].status)

    def test_values_of_options_are_texts_paths_and_numbers(self) -> None:
        class Number:
            """As NumPy's are: registered as a number, and no int."""

            def __str__(self) -> str:
                return "8"

        numbers.Integral.register(Number)
        for config in (SAMPLE / "model_config.yaml", os.fsencode(SAMPLE / "model_config.yaml")):
            (checkpoint,) = qkvmigrate.upgrade(SAMPLE, "new", dry_run=True, config=config, n_head=Number()).checkpoints  # type: ignore[arg-type]
            self.assertEqual("planned", checkpoint.status)
        for value in ({"a": 1}, {"a"}, object(), [None], [["a"]]):
            with self.assertRaisesRegex(TypeError, "expected a text, a path or a number"):
                qkvmigrate.upgrade(SAMPLE, "new", include=value)  # type: ignore[arg-type]
        self.assertEqual([], os.listdir())

    def test_bytes_are_a_path(self) -> None:
        (checkpoint,) = qkvmigrate.inspect(os.fsencode(SAMPLE)).checkpoints  # type: ignore[arg-type]
        self.assertEqual("planned", checkpoint.status)

    def test_check_returns_what_it_found(self) -> None:
        (checkpoint,) = qkvmigrate.upgrade(SAMPLE, check=True).checkpoints
        self.assertEqual("planned", checkpoint.status)


class RecoveryTests(ModuleTest):
    """What is left of a change in place with a journal that was killed."""

    def test_a_killed_change_is_finished_or_taken_back(self) -> None:
        qkvmigrate.upgrade(LARGE, "new.pth", **LARGE_OPTIONS)
        for undo, expected in ((True, LARGE), (False, pathlib.Path("new.pth"))):
            self.leave_half_done()
            (checkpoint,) = qkvmigrate.recover(".", undo=undo).checkpoints
            self.assertEqual("recovered", checkpoint.status)
            self.assertTrue(filecmp.cmp(expected, "model.pth", shallow=False))
            self.assertEqual(["model.pth", "new.pth"], sorted(os.listdir()))
        self.assertEqual((), qkvmigrate.recover(".").checkpoints)

    def leave_half_done(self) -> None:
        """Kills a run while the file is under another name; tries again where it was faster."""
        options = [f"--{name.replace('_', '-')}={value}" for name, value in LARGE_OPTIONS.items()]
        for _ in range(20):
            shutil.copy(LARGE, "model.pth")
            with subprocess.Popen([qkvmigrate._program.PROGRAM, "upgrade", "model.pth", "--in-place", "--journal", "--quiet", *options]) as run:
                while run.poll() is None and os.path.exists("model.pth"):
                    pass
                run.kill()
            if not os.path.exists("model.pth"):
                return
        raise AssertionError("the program was never seen at work")


class ErrorTests(ModuleTest):
    """What the functions raise."""

    def test_a_refusal_has_code_message_and_report(self) -> None:
        qkvmigrate.upgrade(SAMPLE, "new")
        with self.assertRaises(QkvMigrateError) as raised:
            qkvmigrate.upgrade(SAMPLE, "new")
        error = raised.exception
        self.assertEqual("target", error.code)
        self.assertIn("new", error.message)
        self.assertEqual(error.message, str(error))
        assert isinstance(error.report, reports.Report)
        self.assertEqual(["refused"], [checkpoint.status for checkpoint in error.report.checkpoints])

    def test_a_difference_is_raised_with_its_place(self) -> None:
        qkvmigrate.upgrade(SAMPLE, "new")
        with open("new/lit_model.pth", "r+b") as file:
            file.seek(600_000)
            byte = file.read(1)
            file.seek(600_000)
            file.write(bytes([byte[0] ^ 1]))
        with self.assertRaises(QkvMigrateError) as raised:
            qkvmigrate.verify(SAMPLE, "new")
        error = raised.exception
        self.assertEqual("differs", error.code)
        self.assertRegex(error.message, r"^new/lit_model\.pth: .+ \(\d+ differences in all\)$")
        assert isinstance(error.report, verifications.Verification)
        self.assertEqual("differs", error.report.checkpoints[0].status)

    def test_options_that_make_no_sense_are_bad_usage(self) -> None:
        with self.assertRaises(QkvMigrateError) as raised:
            qkvmigrate.upgrade(SAMPLE, no_such_option=True)
        self.assertEqual(("usage", None), (raised.exception.code, raised.exception.report))
        self.assertIn("--no-such-option", raised.exception.message)

    def test_what_no_path_can_be_is_not_taken(self) -> None:
        for path, expected in (("a\0b", ValueError), ("\ud800", ValueError), (None, TypeError), (7, TypeError), ([SAMPLE], TypeError)):
            with self.assertRaises(expected):
                qkvmigrate.inspect(path)  # type: ignore[arg-type]
        for path in ("", os.fsdecode(b"caf\xe9"), "a" * 5000):
            with self.assertRaises(QkvMigrateError) as raised:
                qkvmigrate.inspect(path)
            self.assertEqual("usage", raised.exception.code)

    def test_a_program_that_cannot_be_run_is_an_error_like_others(self) -> None:
        program = qkvmigrate._program.PROGRAM
        self.addCleanup(setattr, qkvmigrate._program, "PROGRAM", program)
        for number, content in enumerate((None, b"\x7fELF\x02\x01\x01")):
            broken = self.folder / str(number)
            if content is not None:
                broken.write_bytes(content)
                broken.chmod(0o755)
            setattr(qkvmigrate._program, "PROGRAM", broken)
            with self.assertRaises(QkvMigrateError) as raised:
                qkvmigrate.inspect(SAMPLE)
            self.assertEqual(("program", None), (raised.exception.code, raised.exception.report))
            self.assertIn(str(broken), raised.exception.message)

    def test_an_error_survives_the_way_to_another_process(self) -> None:
        with self.assertRaises(QkvMigrateError) as raised:
            qkvmigrate.inspect("nowhere")
        copy = pickle.loads(pickle.dumps(raised.exception))
        self.assertEqual((raised.exception.code, raised.exception.message, raised.exception.report), (copy.code, copy.message, copy.report))

    def test_what_the_program_tells_is_logged(self) -> None:
        with self.assertLogs("qkvmigrate", logging.ERROR) as logged, self.assertRaises(QkvMigrateError) as raised:
            qkvmigrate.inspect("nowhere")
        self.assertEqual([raised.exception.message], [record.getMessage() for record in logged.records])


class CancellationTests(ModuleTest):
    """Ctrl-C while the program writes."""

    def test_an_interrupt_of_python_alone(self) -> None:
        self.assert_cancelled(os.kill)

    def test_an_interrupt_at_a_terminal_which_the_program_gets_too(self) -> None:
        self.assert_cancelled(os.killpg)

    def assert_cancelled(self, kill: Callable[[int, int], None]) -> None:
        caller = (
            "import qkvmigrate, sys, json\n"
            "try:\n"
            "    qkvmigrate.upgrade(sys.argv[1], sys.argv[2], **json.loads(sys.argv[3]))\n"
            "except KeyboardInterrupt:\n"
            "    print('interrupted')\n"
        )
        words = [sys.executable, "-c", caller, str(LARGE), "new.pth", json.dumps(LARGE_OPTIONS)]
        python, program = self.stop_while_writing(words)
        kill(python.pid, signal.SIGINT)
        # The program is stopped: it finds the signal before it does anything else.
        wait_until(lambda: is_pending(program, signal.SIGINT))
        os.kill(program, signal.SIGCONT)
        output, _ = python.communicate(timeout=120)

        self.assertEqual((0, b"interrupted\n"), (python.returncode, output))
        self.assertEqual([], os.listdir())
        self.assertFalse(os.path.exists(f"/proc/{program}"))

    def stop_while_writing(self, words: list[str]) -> tuple[subprocess.Popen[bytes], int]:
        """Starts Python, and stops the program that it runs while that writes; tries again where it was faster."""
        for _ in range(10):
            python = subprocess.Popen(words, stdout=subprocess.PIPE, start_new_session=True)
            self.addCleanup(end, python)
            while python.poll() is None:
                if not list(self.folder.glob(".new.pth.*.qkvmigrate-tmp")):
                    time.sleep(0.001)
                    continue
                (program,) = children(python.pid)
                os.kill(program, signal.SIGSTOP)
                wait_until(lambda: status(program, "State:").startswith(("T", "Z")))
                if list(self.folder.glob(".new.pth.*.qkvmigrate-tmp")):
                    return python, program
                os.kill(program, signal.SIGCONT)
                break
            python.communicate(timeout=120)
            pathlib.Path("new.pth").unlink()
        raise AssertionError("the program was never seen at work")


def end(leader: subprocess.Popen[bytes]) -> None:
    """Ends a process and those of its session, where a test failed before they ended by themselves."""
    if leader.poll() is None:
        os.killpg(leader.pid, signal.SIGKILL)
    leader.communicate()


def children(process: int) -> list[int]:
    """The processes that the threads of a process started."""
    lists = pathlib.Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for each in lists for child in each.read_text().split()]


def status(process: int, name: str) -> str:
    """A line of what the kernel tells of a process."""
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(name)).partition(":")[2].strip()


def is_pending(process: int, number: signal.Signals) -> bool:
    """Whether a signal waits for a process."""
    return bool(int(status(process, "ShdPnd:"), 16) >> (number - 1) & 1)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Waits for what must come; a minute is beyond every machine's patience."""
    end = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > end:
            raise AssertionError("it never came")
        time.sleep(0.001)


if __name__ == "__main__":
    unittest.main()
