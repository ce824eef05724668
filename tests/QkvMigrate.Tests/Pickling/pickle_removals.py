"""Pickles documents with an entry that is to be taken out, and the same documents without it.

Prints a line for each document, protocol and pickler: what it is, the pickle, and the pickle of what must be left, in
hexadecimal. The entries to take out have the key "optimizer", at any depth.
"""
import collections
import decimal

from picklers import print_pairs

SHARED = "a string that both name"


def optimizer(size):
    """Strings, numbers and classes that come into the memo here first."""
    kept = {number: {"step": number, "exp_avg": f"moment {number}", "kind": collections.OrderedDict()} for number in range(size)}
    return {"state": kept, "param_groups": [{"params": list(range(size)), "betas": (0.9, 0.95), "name": SHARED}]}


def model():
    weights = collections.OrderedDict({SHARED: 1, "exp_avg": "step", "moment 1": decimal.Decimal("0.5")})
    weights._metadata = collections.OrderedDict({"state": {"version": 1}})
    return weights


def documents():
    for size in (2, 700):
        yield f"first of three, {size} parameters", {"optimizer": optimizer(size), "model": model(), "names": [SHARED, "params", "betas"]}
        yield f"between, {size} parameters", {"model": model(), "optimizer": optimizer(size), "names": [SHARED, "params", "kind"]}
        yield f"last, {size} parameters", {"model": model(), "names": [SHARED], "optimizer": optimizer(size)}
        yield f"alone, {size} parameters", {"optimizer": optimizer(size)}
        yield f"deeper, {size} parameters", {"run": {"optimizer": optimizer(size), "epoch": 7}, "model": model(), "later": ["exp_avg", "params"]}
        yield f"twice, {size} parameters", {"a": {"optimizer": optimizer(size)}, "b": collections.OrderedDict(x="params", optimizer=optimizer(size), y="betas"), "names": [SHARED]}
    yield "a string outside of frames", {"optimizer": {"state": "y" * 70_000, "param_groups": "z" * 70_000}, "model": model(), "last": "exp_avg"}


def without(value):
    if isinstance(value, dict):
        left = type(value)((key, without(item)) for key, item in value.items() if key != "optimizer")
        if hasattr(value, "__dict__"):
            left.__dict__.update(value.__dict__)
        return left
    return value


print_pairs(documents(), without)
