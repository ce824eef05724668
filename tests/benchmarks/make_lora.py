"""Makes a bfloat16 model of Pythia-1B's shapes and a LoRA of it with real PyTorch: make_lora.py GIB FOLDER [--all] [--rank R].

`FOLDER/base/lit_model.pth` is legacy; `FOLDER/run/` has the LoRA and its hyperparameters: q and v, as LitGPT's default is, or
with `--all` each layer that LitGPT gives LoRA.
"""

import argparse
from pathlib import Path

import torch

from make_checkpoint import N_EMBD, N_HEAD, VOCABULARY

HYPERPARAMETERS = "lora_r: {rank}\nlora_alpha: 16\nlora_query: true\nlora_key: {all}\nlora_value: true\n"


def numbers(*shape):
    return torch.randn(shape, dtype=torch.float32).to(torch.bfloat16)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gib", type=float)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--rank", type=int, default=8)
    arguments = parser.parse_args()
    rank = arguments.rank
    state, lora = {}, {}

    def add(module, rows, columns, lora_rows=0, blocks=1):
        state[module + ".weight"] = numbers(rows, columns)
        if lora_rows:
            lora[module + ".lora_A"] = numbers(blocks * rank, columns)
            lora[module + ".lora_B"] = numbers(lora_rows, rank)

    def rows_of(count):
        return count if arguments.all else 0

    add("lm_head", VOCABULARY, N_EMBD, rows_of(VOCABULARY))
    add("transformer.wte", VOCABULARY, N_EMBD)
    index = 0
    while sum(tensor.numel() * 2 for tensor in state.values()) < arguments.gib * 2**30:
        prefix = f"transformer.h.{index}."
        blocks = 3 if arguments.all else 2
        add(prefix + "attn.attn", 3 * N_EMBD, N_EMBD, blocks * N_EMBD, blocks)
        add(prefix + "attn.proj", N_EMBD, N_EMBD, rows_of(N_EMBD))
        add(prefix + "mlp.fc", 4 * N_EMBD, N_EMBD, rows_of(4 * N_EMBD))
        add(prefix + "mlp.proj", N_EMBD, 4 * N_EMBD, rows_of(N_EMBD))
        index += 1
    for name in ("base", "run"):
        (arguments.folder / name).mkdir(parents=True, exist_ok=True)
    torch.save(state, arguments.folder / "base" / "lit_model.pth")
    torch.save({"model": lora}, arguments.folder / "run" / "lit_model.pth.lora")
    said = HYPERPARAMETERS.format(rank=rank, all=str(arguments.all).lower())
    (arguments.folder / "run" / "hyperparameters.yaml").write_text(said + f"checkpoint_dir: {arguments.folder / 'base'}\n")


if __name__ == "__main__":
    main()
