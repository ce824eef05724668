"""Reads lines of a JSON text and a YAML text, both in hexadecimal, and says of each whether they mean the same."""

import json
import sys

import yaml


def canonical(value):
    """A text that differs where values or their types do (1, 1.0 and true are three)."""
    return json.dumps(value, sort_keys=True)


with open(sys.argv[1], encoding="ascii") as lines:
    for line in lines:
        text, made = (bytes.fromhex(part).decode("utf-8") for part in line.split())
        expected = canonical(json.loads(text))
        try:
            actual = canonical(yaml.safe_load(made))
        except (yaml.YAMLError, TypeError) as error:
            actual = repr(error)
        print("same" if actual == expected else f"expected {expected}, got {actual}".encode("unicode_escape").decode("ascii"))
