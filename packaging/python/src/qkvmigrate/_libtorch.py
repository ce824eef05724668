"""Where the libtorch of this interpreter's PyTorch is, so that the program need not search."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Dict

VARIABLE = "QKVMIGRATE_LIBTORCH"
"""The program takes the folder of libtorch's libraries from this environment variable."""


def environment() -> Dict[str, str]:
    """This process's environment with PyTorch's libraries named in it, where there is a PyTorch and nobody named others."""
    variables = dict(os.environ)
    if VARIABLE not in variables and (folder := _libraries_of_pytorch()):
        variables[VARIABLE] = folder
    return variables


def _libraries_of_pytorch() -> str:
    """The folder of PyTorch's libraries, or an empty text. PyTorch itself is not imported: that takes seconds."""
    library = {"win32": "torch_cpu.dll", "darwin": "libtorch_cpu.dylib"}.get(sys.platform, "libtorch_cpu.so")
    spec = importlib.util.find_spec("torch")
    for package in (spec.submodule_search_locations or []) if spec else []:
        folder = os.path.join(package, "lib")
        if os.path.isfile(os.path.join(folder, library)):
            return folder
    return ""
