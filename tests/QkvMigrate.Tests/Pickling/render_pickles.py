"""Loads pickles with CPython's own unpickler and writes what came out as text.

Reads a file with one pickle a line, in hexadecimal; prints a line for each: the text, or "error" and the exception.
The text is that of PickleRendering.cs. The classes that a pickle names are stood in for by others, which remember how
they were called and what was put into them.
"""
import io
import pickle
import struct
import sys


class Named(type):
    """A class that stands in for the one that the pickle names."""


class Made:
    """An object of such a class."""

    def __new__(cls, *arguments, **keywords):
        made = object.__new__(cls)
        made.callable = cls
        made.arguments = (arguments, keywords) if keywords else arguments
        made.items = []
        made.entries = {}
        made.state = None
        return made

    def __init__(self, *arguments, **keywords):
        pass

    def __call__(self, *arguments):
        made = Made(*arguments)
        made.callable = self
        return made

    def append(self, item):
        self.items.append(item)

    add = append

    def extend(self, items):
        self.items.extend(items)

    def __setitem__(self, key, value):
        self.entries[key] = value

    def __setstate__(self, state):
        self.state = (state,)


class Reference:
    """A persistent id, or a code of the extension registry."""

    def __init__(self, kind, value):
        self.kind = kind
        self.value = value


class Unpickler(pickle._Unpickler):
    """CPython's unpickler as Lib/pickle.py has it; only the ways out of the pickle are closed."""

    def find_class(self, module, name):
        return Named(name, (Made,), {"module": module, "name": name})

    def persistent_load(self, value):
        return Reference("pers", value)

    def get_extension(self, code):
        self.append(Reference("ext", code))


class Renderer:
    def __init__(self):
        self.seen = {}

    def text(self, value):
        if isinstance(value, (dict, list, set, Made)):
            if id(value) in self.seen:
                return f"#{self.seen[id(value)]}"
            self.seen[id(value)] = len(self.seen)
        if value is None or isinstance(value, (bool, int)):
            return str(value)
        if isinstance(value, float):
            return "float " + ("nan" if value != value else struct.pack(">d", value).hex())
        if isinstance(value, str):
            return self.quoted(value)
        if isinstance(value, (bytes, bytearray)):
            return f"bytes {value.hex()}"
        if isinstance(value, tuple):
            return f"({self.joined(value)})"
        if isinstance(value, list):
            return f"[{self.joined(value)}]"
        if isinstance(value, (set, frozenset)):
            return "set {" + ", ".join(sorted(self.text(item) for item in value)) + "}"
        if isinstance(value, dict):
            return self.pairs(value)
        if isinstance(value, Reference):
            return f"{value.kind}({self.text(value.value)})"
        if isinstance(value, Named):
            return f"@{value.module}.{value.name}"
        made = self.text(value.callable) + self.text(value.arguments)
        if value.items:
            made += f"[{self.joined(value.items)}]"
        if value.entries:
            made += self.pairs(value.entries)
        if value.state:
            made += f" state {self.text(value.state[0])}"
        return made

    def joined(self, values):
        return ", ".join(self.text(value) for value in values)

    def pairs(self, entries):
        return "{" + ", ".join(f"{self.text(key)}: {self.text(value)}" for key, value in entries.items()) + "}"

    @staticmethod
    def quoted(text):
        units = struct.iter_unpack(">H", text.encode("utf-16-be", "surrogatepass"))
        plain = lambda unit: 0x20 <= unit < 0x7F and chr(unit) not in '"\\'
        return '"' + "".join(chr(unit) if plain(unit) else f"\\u{unit:04x}" for (unit,) in units) + '"'


def render(content):
    try:
        # torch.load reads Python 2's byte strings as UTF-8 by default.
        return Renderer().text(Unpickler(io.BytesIO(content), encoding="utf-8").load())
    except Exception as error:
        return f"error {type(error).__name__}: {error}".replace("\n", " ")


def main():
    sys.setrecursionlimit(100_000)
    with open(sys.argv[1], encoding="ascii") as pickles:
        for line in pickles:
            print(render(bytes.fromhex(line)))


if __name__ == "__main__":
    main()
