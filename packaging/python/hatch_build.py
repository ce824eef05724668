"""Puts what ``dotnet publish`` made into the wheel, and names the platform that it runs on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PUBLISHED = "QKVMIGRATE_PUBLISHED"
"""The environment variable that names the folder of the published program."""

MACHINES = {"Advanced Micro Devices X86-64": "x86_64", "AArch64": "aarch64"}
"""The machine as readelf writes it, and as a wheel's tag does."""


class NativeProgram(BuildHookInterface):
    """The build hook of the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Adds the files and the tag to ``build_data``."""
        named = os.environ.get(PUBLISHED)
        if not named:
            raise SystemExit(f"{PUBLISHED} must name the folder that 'dotnet publish' wrote")
        published = Path(named).resolve()
        program = published / "qkvmigrate"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform_tag(program)}"
        # TorchSharp's own library. libtorch, which it works with, is that of the PyTorch beside it.
        library = self.stripped(published / "libLibTorchSharp.so")
        for file in (program, library):
            build_data["force_include"][str(file)] = f"qkvmigrate/bin/{file.name}"
        # The licences' place is the package's metadata, which only the builder can name.
        metadata = f"{self.metadata.core.name}-{self.metadata.version}.dist-info"
        for licence in (Path(self.root, "../../LICENSE").resolve(), published / "THIRD-PARTY-NOTICES.txt"):
            build_data["force_include"][str(licence)] = f"{metadata}/licenses/{licence.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Takes away what was made for the wheel alone, and packs the wheel as tightly as its format can."""
        shutil.rmtree(self.made)
        # By libdeflate, 3 % tighter than zlib's best. advzip keeps names, modes and times, and looks for its format's suffix.
        packed = f"{artifact_path}.zip"
        os.rename(artifact_path, packed)
        subprocess.run(["advzip", "--recompress", "--shrink-normal", "--quiet", packed], check=True)
        os.rename(packed, artifact_path)

    def stripped(self, library: Path) -> Path:
        """The library without the symbols that only a debugger reads: a fifth of its bytes."""
        self.made = Path(tempfile.mkdtemp(prefix="qkvmigrate-wheel-"))
        subprocess.run(["strip", "--strip-unneeded", "-o", str(self.made / library.name), str(library)], check=True)
        return self.made / library.name


def platform_tag(program: Path) -> str:
    """The platform of PEP 600: the machine, and the oldest glibc that has every symbol version that the program needs."""
    machine = re.search(r"^ *Machine: *(.+)$", readelf("--file-header", program), re.MULTILINE)
    versions = [
        (int(major), int(minor)) for major, minor in re.findall(r"\bGLIBC_(\d+)\.(\d+)", readelf("--version-info", program))
    ]
    if machine is None or machine[1] not in MACHINES or not versions:
        raise SystemExit(f"{program}: no wheel for this kind of program; expected one for glibc on {' or '.join(MACHINES.values())}")
    major, minor = max(versions)
    return f"manylinux_{major}_{minor}_{MACHINES[machine[1]]}"


def readelf(question: str, program: Path) -> str:
    """What readelf answers about a program."""
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(["readelf", "--wide", question, program], env=environment, check=True, capture_output=True, text=True).stdout
