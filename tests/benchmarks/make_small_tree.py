"""Makes a tree of small legacy runs with real PyTorch: make_small_tree.py COUNT FOLDER.

Each run is a folder with a checkpoint of 130 kB, 18 tensors of distinct values, and its model_config.yaml.
"""

import argparse
from pathlib import Path

import torch

N_LAYER, N_EMBD, N_HEAD, VOCABULARY = 2, 33, 3, 80
CONFIGURATION = f"""name: small
hf_config: {{}}
block_size: 64
vocab_size: {VOCABULARY}
padded_vocab_size: {VOCABULARY}
n_layer: {N_LAYER}
n_head: {N_HEAD}
n_embd: {N_EMBD}
head_size: {N_EMBD // N_HEAD}
n_query_groups: {N_HEAD}
"""


def state_dict(generator):
    def numbers(*shape):
        return torch.randn(shape, generator=generator)

    state = {"lm_head.weight": numbers(VOCABULARY, N_EMBD), "transformer.wte.weight": numbers(VOCABULARY, N_EMBD)}
    for layer in range(N_LAYER):
        prefix = f"transformer.h.{layer}."
        state[prefix + "norm_1.weight"] = numbers(N_EMBD)
        state[prefix + "attn.attn.weight"] = numbers(3 * N_EMBD, N_EMBD)
        state[prefix + "attn.attn.bias"] = numbers(3 * N_EMBD)
        state[prefix + "attn.proj.weight"] = numbers(N_EMBD, N_EMBD)
        state[prefix + "attn.proj.bias"] = numbers(N_EMBD)
        state[prefix + "norm_2.weight"] = numbers(N_EMBD)
        state[prefix + "mlp.fc.weight"] = numbers(4 * N_EMBD, N_EMBD)
        state[prefix + "mlp.proj.weight"] = numbers(N_EMBD, 4 * N_EMBD)
    return state


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    generator = torch.Generator().manual_seed(1)
    for number in range(arguments.count):
        run = arguments.folder / f"run-{number:05}"
        run.mkdir(parents=True)
        torch.save(state_dict(generator), run / "lit_model.pth")
        (run / "model_config.yaml").write_text(CONFIGURATION)


if __name__ == "__main__":
    main()
