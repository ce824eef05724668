"""The picklers of CPython, the one written in C and the one written in Python, which cut frames differently."""
import io
import pickle


def _in_python(document, protocol):
    pickled = io.BytesIO()
    pickle._Pickler(pickled, protocol).dump(document)
    return pickled.getvalue()


def print_pairs(documents, expected):
    """Prints a line for each document, protocol and pickler: what it is, the pickle, and that of what is expected of it, in hexadecimal."""
    for name, document in documents:
        for protocol in range(6):
            for pickler, dump in (("C", pickle.dumps), ("Python", _in_python)):
                print(f"{name}, protocol {protocol}, {pickler}", dump(document, protocol).hex(), dump(expected(document), protocol).hex(), sep="|")
