"""Greedy generation by a plain PyTorch model of the shapes of `qkvmigrate bench`, timed: the thing that bench is held against.

plain_generation.py MODEL SCALE DTYPE DEVICE PROMPT NEW SAMPLES prints one JSON document. Sequential rows, keys and values cached
by query group, all that can be kept kept, as LitGPT's own model has it since pull request #1013.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional

SHAPES = {
    "pythia-1b": dict(layers=16, width=2048, vocabulary=50304, heads=8, groups=8, head=256, inner=8192, rotary=0.25, llama=False),
    "tiny-llama-1.1b": dict(layers=22, width=2048, vocabulary=32000, heads=32, groups=4, head=64, inner=5632, rotary=1.0, llama=True),
}


def scaled(shape, scale):
    """The same kind of model, smaller, by the rule of bench."""
    multiples = dict(layers=1, width=8, vocabulary=64, head=8, inner=8)
    return shape if scale == 1 else {key: max(1, round(value * scale / multiples[key])) * multiples[key] if key in multiples else value for key, value in shape.items()}


def attend(q, k, v, causal):
    if hasattr(functional, "scaled_dot_product_attention"):
        return functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    scores = q @ k.transpose(-2, -1) / q.size(-1) ** 0.5
    if causal:
        scores = scores.masked_fill(torch.ones(q.size(2), k.size(2), dtype=torch.bool, device=q.device).triu(1), float("-inf"))
    return scores.softmax(-1) @ v


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        full = x.float()
        return (full * torch.rsqrt((full * full).mean(-1, keepdim=True) + 1e-5) * self.weight.float()).to(x.dtype)


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        bias, width = not shape["llama"], shape["width"]
        norm = RmsNorm if shape["llama"] else nn.LayerNorm
        self.norm_1, self.norm_2 = norm(width), norm(width)
        self.qkv = nn.Linear(width, (shape["heads"] + 2 * shape["groups"]) * shape["head"], bias=bias)
        self.proj = nn.Linear(shape["heads"] * shape["head"], width, bias=bias)
        self.fc = nn.Linear(width, shape["inner"], bias=bias)
        self.gate = nn.Linear(width, shape["inner"], bias=bias) if shape["llama"] else None
        self.down = nn.Linear(shape["inner"], width, bias=bias)

    def allocate(self, length, like):
        self.keys, self.values = (torch.zeros(1, self.shape["groups"], length, self.shape["head"], dtype=like.dtype, device=like.device) for _ in range(2))

    def attention(self, x, start, cos, sin):
        heads, groups, head = self.shape["heads"], self.shape["groups"], self.shape["head"]
        q, k, v = (part.view(1, x.size(1), -1, head).transpose(1, 2) for part in self.qkv(x).split([heads * head, groups * head, groups * head], -1))
        end = start + x.size(1)
        self.keys[:, :, start:end], self.values[:, :, start:end] = rotate(k, cos, sin), v
        k, v = self.keys[:, :, :end], self.values[:, :, :end]
        if heads != groups:
            k, v = k.repeat_interleave(heads // groups, 1), v.repeat_interleave(heads // groups, 1)
        return self.proj(attend(rotate(q, cos, sin), k, v, causal=x.size(1) > 1).transpose(1, 2).flatten(2))

    def mlp(self, x):
        return self.down(functional.silu(self.fc(x)) * self.gate(x) if self.gate else functional.gelu(self.fc(x)))

    def forward(self, x, start, cos, sin):
        attended = self.attention(self.norm_1(x), start, cos, sin) + x
        return attended + self.mlp(self.norm_2(attended if self.shape["llama"] else x))


def rotate(x, cos, sin):
    size = cos.size(-1)
    turned, rest = x[..., :size], x[..., size:]
    paired = torch.cat((-turned[..., size // 2 :], turned[..., : size // 2]), -1)
    return torch.cat(((turned * cos + paired * sin).to(x.dtype), rest), -1)


class Model(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape["vocabulary"], shape["width"])
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape["layers"]))
        self.norm = (RmsNorm if shape["llama"] else nn.LayerNorm)(shape["width"])
        self.head = nn.Linear(shape["width"], shape["vocabulary"], bias=False)

    def allocate(self, length):
        size = int(self.shape["rotary"] * self.shape["head"])
        device = self.embedding.weight.device
        angles = torch.outer(torch.arange(length, device=device), 1 / 10000 ** (torch.arange(0, size, 2, device=device) / size)).repeat(1, 2)
        self.cos, self.sin = angles.cos(), angles.sin()
        for block in self.blocks:
            block.allocate(length, self.embedding.weight)

    def forward(self, tokens, start):
        end = start + tokens.size(1)
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, start, self.cos[start:end], self.sin[start:end])
        return self.head(self.norm(x[:, -1:]))


@torch.no_grad()
def generate(model, prompt, count):
    model.allocate(prompt.size(1) + count)
    tokens, start = [prompt], 0
    for _ in range(count):
        logits = model(tokens[-1], start)
        start += tokens[-1].size(1)
        tokens.append(logits[:, -1].argmax(-1, keepdim=True))
    return torch.cat(tokens, 1).tolist()


def main():
    name, scale, dtype, device = sys.argv[1], float(sys.argv[2]), getattr(torch, sys.argv[3]), sys.argv[4]
    prompt_length, count, samples = map(int, sys.argv[5:8])
    torch.manual_seed(1013)
    shape = scaled(SHAPES[name], scale)
    model = Model(shape).to(device=device, dtype=dtype).eval()
    prompt = (torch.arange(prompt_length, device=device) % shape["vocabulary"]).unsqueeze(0)
    seconds = []
    for sample in range(samples + 1):
        started = time.monotonic()
        generate(model, prompt, count)
        if sample > 0:  # the first one warms up
            seconds.append(time.monotonic() - started)
    median = sorted(seconds)[len(seconds) // 2]
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(), "parameters": sum(p.numel() for p in model.parameters()), "tokensPerSecond": count / median}))


main()
