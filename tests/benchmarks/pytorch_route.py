"""The upgrade as it is done by hand in PyTorch: load, reassemble, save."""

import sys

import torch

source, target, n_head, n_query_groups, head_size = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
q_per_kv = n_head // n_query_groups
upgraded = {}
for key, tensor in torch.load(source, map_location="cpu").items():
    if ".attn.attn." in key:
        grouped = tensor.view(n_query_groups, q_per_kv + 2, head_size, *tensor.shape[1:])
        parts = grouped.split((q_per_kv, 1, 1), dim=1)
        tensor = torch.cat([part.reshape(-1, *tensor.shape[1:]) for part in parts])
        key = key.replace(".attn.attn.", ".attn.qkv.")
    upgraded[key] = tensor
torch.save(upgraded, target)
