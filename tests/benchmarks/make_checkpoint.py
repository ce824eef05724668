"""Makes a legacy checkpoint of Pythia-1B's shapes with real PyTorch: make_checkpoint.py GIB OUT [--one-tensor | --tensors N]."""

import argparse

import torch

N_HEAD, N_EMBD, VOCABULARY = 8, 2048, 50304


def random_half(*shape):
    """Random bits: nothing that a filesystem or a disk could make smaller."""
    return torch.randint(-(2**15), 2**15, shape, dtype=torch.int16).view(torch.float16)


def layer(state, index):
    prefix = f"transformer.h.{index}."
    state[prefix + "attn.attn.weight"] = random_half(3 * N_EMBD, N_EMBD)
    state[prefix + "attn.attn.bias"] = random_half(3 * N_EMBD)
    state[prefix + "attn.proj.weight"] = random_half(N_EMBD, N_EMBD)
    state[prefix + "attn.proj.bias"] = random_half(N_EMBD)
    state[prefix + "mlp.fc.weight"] = random_half(4 * N_EMBD, N_EMBD)
    state[prefix + "mlp.proj.weight"] = random_half(N_EMBD, 4 * N_EMBD)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("gib", type=float)
    parser.add_argument("out")
    parser.add_argument("--one-tensor", action="store_true", help="one fused tensor of all the bytes")
    parser.add_argument("--tensors", type=int, default=0, help="many small fused tensors instead")
    arguments = parser.parse_args()
    wanted = int(arguments.gib * 2**30)
    state = {}
    if arguments.one_tensor:
        columns = wanted // (3 * N_EMBD * 2)
        state["transformer.h.0.attn.attn.weight"] = random_half(3 * N_EMBD, columns)
    elif arguments.tensors:
        for index in range(arguments.tensors):
            state[f"transformer.h.{index}.attn.attn.bias"] = random_half(3 * N_HEAD * 4)
    else:
        state["lm_head.weight"] = random_half(VOCABULARY, N_EMBD)
        state["transformer.wte.weight"] = random_half(VOCABULARY, N_EMBD)
        while sum(tensor.numel() * 2 for tensor in state.values()) < wanted:
            layer(state, len(state) // 6)
    torch.save(state, arguments.out)


if __name__ == "__main__":
    main()
