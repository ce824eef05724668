"""Pickles documents like those of checkpoints, and the same with the keys renamed that an upgrade renames.

Prints a line for each document, protocol and pickler (the one written in C and the one written in Python, which cut
frames differently): what it is, the pickle, and the pickle of the document that a rename must give, in hexadecimal.
"""
import collections

from picklers import print_pairs

LEGACY = ".attn.attn."
UPGRADED = ".attn.qkv."


def state_dict(layers, prefix="transformer.h"):
    keys = [f"{prefix}.{layer}{part}" for layer in range(layers) for part in (".attn.attn.weight", ".norm_1.weight", ".attn.attn.bias")]
    return {key: number for number, key in enumerate(keys)}


def documents():
    small = state_dict(2)
    yield "keys, then the same strings as values", {"model": small, "names": list(small)}
    small = state_dict(2)
    yield "values, then the same strings as keys", {"names": list(small), "model": small}
    small = state_dict(2)
    yield "keys of two dicts and values between", {"a": small, "names": tuple(small), "b": dict(small)}
    large = state_dict(800)
    yield "many keys: several frames, memo slots above 255", {"model": large, "names": list(large)}
    large = state_dict(800)
    yield "many values, then keys", {"names": list(large), "model": large}
    for length in (254, 255, 256, 257, 258):
        key = ("x" * length + LEGACY)[-length:]
        yield f"a key of {length} bytes", {key: [key]}
    yield "a string that stands outside of frames", {"before.attn.attn.weight": "y" * 70_000, "after.attn.attn.weight": 2}
    yield "keys that are not ASCII", {"é\\€😀'\"\n.attn.attn.weight": 1, "tail.attn.attn.é": 2}
    ordered = collections.OrderedDict(state_dict(2))
    ordered._metadata = collections.OrderedDict({"transformer.h.0.attn.attn": {"version": 1}})
    yield "an OrderedDict with _metadata", {"model": ordered, "again": list(ordered)}


def renamed(value):
    if isinstance(value, dict):
        upgraded = type(value)((key.replace(LEGACY, UPGRADED), renamed(item)) for key, item in value.items())
        if hasattr(value, "__dict__"):
            upgraded.__dict__.update(value.__dict__)
        return upgraded
    return value


print_pairs(documents(), renamed)
