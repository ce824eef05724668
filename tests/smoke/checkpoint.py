"""A legacy checkpoint of LitGPT's as a safetensors file, made without PyTorch: names, an order of rows, and random numbers."""

from __future__ import annotations

import json
import random
from pathlib import Path

HEADS, GROUPS, HEAD_SIZE = 8, 2, 32
WIDTH = HEADS * HEAD_SIZE
ROWS = (HEADS + 2 * GROUPS) * HEAD_SIZE
GEOMETRY = ("--n-head", str(HEADS), "--n-query-groups", str(GROUPS), "--head-size", str(HEAD_SIZE))
VOCABULARY = 4096


def write_legacy(path: Path, layers: int) -> None:
    """Writes a model in half precision: its attention, and an embedding that makes it large enough to be met while it is written."""
    tensors = {"transformer.wte.weight": [VOCABULARY * 4, WIDTH]}
    for layer in range(layers):
        tensors[f"transformer.h.{layer}.attn.attn.weight"] = [ROWS, WIDTH]
        tensors[f"transformer.h.{layer}.attn.proj.weight"] = [WIDTH, WIDTH]
    header, offset = {}, 0
    for name, shape in tensors.items():
        length = 2 * shape[0] * shape[1]
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [offset, offset + length]}
        offset += length
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + random.Random(0).randbytes(offset))
