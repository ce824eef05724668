"""Files that are cheap to make and would be dear to read, for the benchmark of bombs: each a function of a folder that returns the path to upgrade."""

import json
import struct
import zipfile

BOMBS = {}
GLOBAL_REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\nq\x010"
FUSED = {"transformer.h.0.attn.attn.weight": {"dtype": "U8", "shape": [24, 1], "data_offsets": [0, 24]}}


def bomb(function):
    BOMBS[function.__name__.replace("_", "-")] = function
    return function


def archive(folder, pickle, others=(), compression=zipfile.ZIP_STORED):
    """The zip of torch.save around a pickle."""
    path = folder / "bomb.pth"
    with zipfile.ZipFile(path, "w", compression) as written:
        written.writestr("archive/data.pkl", pickle)
        for name, content in others:
            written.writestr(f"archive/{name}", content)
        written.writestr("archive/version", "3\n")
    return path


def legacy(folder, objects, rest=b""):
    """The file of torch.save before PyTorch 1.6: magic number, protocol version, system, objects."""
    path = folder / "bomb.pth"
    magic = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
    path.write_bytes(magic + b"\x80\x02M\xe9\x03." + b"\x80\x02}." + objects + rest)
    return path


def safetensors(folder, header, data=b"", name="bomb.safetensors"):
    path = folder / name
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


def configured(folder, name, text):
    """A directory of a small legacy checkpoint whose geometry only the configuration knows."""
    safetensors(folder, json.dumps(FUSED).encode(), bytes(range(24)), "model.safetensors")
    (folder / name).write_text(text)
    return folder


def text(value):
    return b"X" + struct.pack("<i", len(value)) + value


def up_to(size, units):
    """As many units, joined by commas, as fit into size bytes."""
    parts, length = [], 0
    for unit in units:
        length += len(unit) + 1
        if length > size:
            break
        parts.append(unit)
    return b",".join(parts)


def numbers():
    number = 0
    while True:
        yield b"%d" % number
        number += 1


@bomb
def memo_doubling(folder):
    """Lists of ten of the list before, thirty deep."""
    levels = (b"]q" + bytes([level]) + (b"(" + (b"h" + bytes([level - 1])) * 10 + b"e" if level else b"") for level in range(30))
    return archive(folder, b"\x80\x02" + b"".join(levels) + b".")


@bomb
def deep_lists(folder):
    return archive(folder, b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b".")


@bomb
def deep_tuples(folder):
    return archive(folder, b"\x80\x02N" + b"\x85" * 4_000_000 + b".")


@bomb
def billion_tuple(folder):
    """A tuple of eight million numbers, the first part of one of a billion."""
    return archive(folder, b"\x80\x02(" + b"K\x01" * 8_000_000 + b"t.")


@bomb
def shared_keys(folder):
    """Dicts in dicts under one key of a megabyte: their paths are a gigabyte each."""
    return archive(folder, b"\x80\x02" + text(b"k" * (1 << 20)) + b"q\x000" + b"}h\x00" * 5000 + b"}s" + b"s" * 4999 + b".")


@bomb
def claimed_string(folder):
    """A string that says it has 2^63 bytes."""
    return archive(folder, b"\x80\x04\x8d" + b"\xff" * 7 + b"\x7f.")


@bomb
def long_names(folder):
    """A global whose module and name are a memoized string of a megabyte, named a hundred thousand times."""
    return archive(folder, b"\x80\x04" + text(b"m" * (1 << 20)) + b"\x940" + b"h\x00h\x00\x930" * 100_000 + b"N.")


@bomb
def many_globals(folder):
    return archive(folder, b"\x80\x02" + b"cos\nsystem\n0" * 500_000 + b"N.")


@bomb
def persistent_ids(folder):
    """A million references to one storage."""
    storage = b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tq\x000"
    return archive(folder, b"\x80\x02" + storage + b"(" + b"h\x00Q" * 1_000_000 + b"l.", [("data/0", bytes(4))])


@bomb
def persistent_lines(folder):
    """The same in protocol 0."""
    return archive(folder, b"(" + b"Pa\n" * 1_000_000 + b"l.")


@bomb
def wide_tensors(folder):
    """A hundred thousand tensors of 64 dimensions that share their storage, sizes and strides."""
    storage = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQq\x000"
    sizes = b"(" + b"K\x01" * 64 + b"tq\x020"
    tensor = b"h\x01(h\x00K\x00h\x02h\x02\x89}tR"
    return archive(folder, b"\x80\x02" + GLOBAL_REBUILD + storage + sizes + b"(" + tensor * 100_000 + b"l.", [("data/0", bytes(4))])


def small_tensor(slot):
    """A tensor of one number, in a slot of the memo; takes slots 0 and 1 for its storage and its function."""
    storage = b"((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQq\x000"
    return GLOBAL_REBUILD + storage + b"h\x01(h\x00K\x00))\x89}tRq" + bytes([slot]) + b"0"


@bomb
def shared_moments(folder):
    """An optimizer that has one dict as the state of two hundred thousand parameters, with twenty thousand tensors in it."""
    parameters = b"".join(b"J" + struct.pack("<i", number) + b"h\x03" for number in range(200_000))
    optimizer = b"}(" + text(b"state") + b"}(" + parameters + b"u" + text(b"param_groups") + b"](}eu"
    moments = b"h\x03(" + b"h\x04h\x02" * 20_000 + b"u0"
    return archive(folder, b"\x80\x02" + small_tensor(2) + b"}q\x030" + text(b"k") + b"q\x040" + optimizer + moments + b".", [("data/0", bytes(4))])


@bomb
def shared_states(folder):
    """Sixty thousand optimizers with one dict of states, filled with twenty thousand parameters in the end."""
    optimizer = b"}(h\x05h\x03h\x06h\x07u"
    texts = text(b"state") + b"q\x050" + text(b"param_groups") + b"q\x060" + b"](}eq\x070"
    states = b"h\x03(" + b"".join(b"J" + struct.pack("<i", number) + b"N" for number in range(20_000)) + b"u0"
    return archive(folder, b"\x80\x02}q\x030" + texts + b"](" + optimizer * 60_000 + b"e" + states + b".")


@bomb
def repeated_scales(folder):
    """A dict that has one key of a quantized matrix eighty-five thousand times."""
    entry = b"h\x03h\x02"
    return archive(folder, b"\x80\x02" + small_tensor(2) + text(b"h.0.attn.attn.scales") + b"q\x030}(" + entry * 85_000 + b"u.", [("data/0", bytes(4))])


@bomb
def shapes_by_shapes(folder):
    """Fused matrices of fifteen thousand shapes, and as many tensors without a name that none of them makes; and one that was written out."""

    def repeated(*sizes):
        return b"h\x01(h\x00K\x00(" + b"".join(b"J" + struct.pack("<i", size) for size in sizes) + b"t(" + b"K\x00" * len(sizes) + b"t\x89}tR"

    model = b"".join(text(b"h.%d.attn.attn.weight" % number) + repeated(24, number) for number in range(1, 15_001))
    others = b"".join(repeated(2, 24, number) for number in range(30_000, 45_000))
    (folder / "model_config.yaml").write_text("n_head: 2\nn_query_groups: 2\nhead_size: 4\nn_embd: 8\n")
    pickle = b"}(" + text(b"model") + b"}(" + model + b"u" + text(b"list") + b"](" + others + b"](" + b"](F0.5\ne" * 24 + b"eeu."
    return archive(folder, b"\x80\x02" + small_tensor(2) + pickle, [("data/0", bytes(4))])


@bomb
def pickles_in_pickles(folder):
    """Strings that look like pickles, each in the one around it."""
    inner = b"\x80\x02N."
    for _ in range(2000):
        inner = b"\x80\x02B" + struct.pack("<I", len(inner)) + inner + b"."
    return archive(folder, inner)


@bomb
def stray_pickles(folder):
    """A thousand entries that are pickles, beside the one that PyTorch reads."""
    return archive(folder, b"\x80\x02N.", [(f"extra/{i}", b"\x80\x02(" + b"K\x01" * 4000 + b"t.") for i in range(1000)])


@bomb
def compressed_zip(folder):
    return archive(folder, bytes(256 << 20), compression=zipfile.ZIP_DEFLATED)


@bomb
def compressed_pickle_in_a_pickle(folder):
    """A zip of 256 MiB of zeros, compressed, as a string of the pickle: nothing unpacks it."""
    inner = archive(folder, bytes(256 << 20), compression=zipfile.ZIP_DEFLATED).read_bytes()
    return archive(folder, b"\x80\x03B" + struct.pack("<I", len(inner)) + inner + b"\x94c__main__\nload\n" + b"\x94.")


def zip_of_many(folder, names, padding=0):
    """Empty entries, written by hand for speed; their local headers have an extra field of padding bytes."""
    path = folder / "bomb.pth"
    extra = b"FB" + struct.pack("<H", padding - 4) + b"Z" * (padding - 4) if padding else b""
    central, offset, count = [], 0, 0
    with path.open("wb") as written:
        for name in names:
            local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, 0, 0, len(name), len(extra)) + name + extra
            central.append(struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, offset) + name)
            written.write(local)
            offset += len(local)
            count += 1
        directory = b"".join(central)
        written.write(directory)
        end = offset + len(directory)
        written.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(directory), offset))
        written.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        written.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), min(len(directory), 0xFFFFFFFF), offset, 0))
    return path


@bomb
def million_entries(folder):
    return zip_of_many(folder, (b"a/data/%d" % i for i in range(1_000_000)))


@bomb
def long_entry_names(folder):
    return zip_of_many(folder, (b"a/data/%d%s" % (i, b"n" * 4000) for i in range(12_000)))


@bomb
def padded_entries(folder):
    """A hundred thousand entries with a kilobyte of padding before each."""
    return zip_of_many(folder, (b"a/data/%d" % i for i in range(100_000)), 1000)


@bomb
def claimed_entries(folder):
    """A zip64 record that says there are 2^40 entries, in a directory of none."""
    path = zip_of_many(folder, [b"a/data.pkl"])
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\6\6")
    struct.pack_into("<2Q", content, at + 24, 1 << 40, 1 << 40)
    path.write_bytes(content)
    return path


@bomb
def claimed_directory(folder):
    """A zip64 record that says the directory has 2^62 bytes."""
    path = zip_of_many(folder, [b"a/data.pkl"])
    content = bytearray(path.read_bytes())
    struct.pack_into("<2Q", content, content.index(b"PK\6\6") + 40, 1 << 62, 0)
    path.write_bytes(content)
    return path


@bomb
def old_deep_tuples(folder):
    return legacy(folder, b"\x80\x02N" + b"\x85" * 4_000_000 + b".")


@bomb
def old_without_end(folder):
    """An object pickle that breaks its language at once, in a sparse file of a gigabyte."""
    path = legacy(folder, b"\x80\x02\xff")
    with path.open("r+b") as written:
        written.truncate(1 << 30)
    return path


@bomb
def old_claimed_string(folder):
    return legacy(folder, b"\x80\x02X\xff\xff\xff\x7f")


@bomb
def old_keys(folder):
    """A list of two million storage keys that no object names."""
    return legacy(folder, b"\x80\x02}.", b"\x80\x02(" + b"X\x01\0\0\0a" * 2_000_000 + b"l.")


@bomb
def header_of_tensors(folder):
    unit = b'"%s":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    return safetensors(folder, b"{" + up_to(33_000_000, (unit % number for number in numbers())) + b"}")


@bomb
def header_too_long(folder):
    """The longest header that the reference implementation reads."""
    return safetensors(folder, b"{" + b" " * 99_999_999)


@bomb
def header_of_metadata(folder):
    return safetensors(folder, b'{"__metadata__":{' + up_to(33_000_000, (b'"%s":""' % number for number in numbers())) + b"}}")


@bomb
def header_of_fields(folder):
    return safetensors(folder, b'{"a":{' + up_to(33_000_000, (b'"%s":0' % number for number in numbers())) + b"}}")


@bomb
def header_of_long_keys(folder):
    unit = b'"%s' + b"k" * 4000 + b'":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    return safetensors(folder, b"{" + up_to(33_000_000, (unit % number for number in numbers())) + b"}")


@bomb
def header_of_one_key(folder):
    return safetensors(folder, b'{"' + b"a" * 33_000_000 + b'":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}')


@bomb
def header_of_lists(folder):
    return safetensors(folder, b'{"a":{"dtype":"U8","x":' + b"[" * 33_000_000)


@bomb
def header_of_escapes(folder):
    """Keys in escapes, six bytes for each character."""
    unit = b'"%s' + b"\\u0061" * 600 + b'":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'
    return safetensors(folder, b"{" + up_to(33_000_000, (unit % number for number in numbers())) + b"}")


def index(folder, content):
    safetensors(folder, json.dumps(FUSED).encode(), bytes(range(24)), "model-1.safetensors")
    (folder / "model.safetensors.index.json").write_bytes(content)
    return folder


@bomb
def index_of_keys(folder):
    return index(folder, b'{"weight_map":{' + up_to(33_000_000, (b'"%s":"f"' % number for number in numbers())) + b"}}")


@bomb
def index_of_files(folder):
    return index(folder, b'{"weight_map":{' + up_to(33_000_000, (b'"%s":"%s"' % (number, number) for number in numbers())) + b"}}")


@bomb
def index_of_lists(folder):
    return index(folder, b'{"metadata":' + b"[" * 33_000_000)


@bomb
def index_too_long(folder):
    return index(folder, b" " * ((32 << 20) + 1))


@bomb
def yaml_aliases(folder):
    """Ten times the list before, nine times: a billion laughs."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    return configured(folder, "model_config.yaml", "\n".join(lines))


@bomb
def yaml_fields(folder):
    return configured(folder, "model_config.yaml", "".join(f"{number}: 1\n" for number in range(420_000))[: 4 << 20])


@bomb
def yaml_depth(folder):
    return configured(folder, "model_config.yaml", "a: " + "[" * 4_000_000)


@bomb
def yaml_keys(folder):
    """A key that is a mapping whose key is a mapping, and so on."""
    return configured(folder, "model_config.yaml", "? " * 2_000_000)


@bomb
def yaml_anchors(folder):
    return configured(folder, "model_config.yaml", "a: [" + ", ".join(f"&a{number} x" for number in range(350_000))[: (4 << 20) - 10] + "]")


@bomb
def json_fields(folder):
    return configured(folder, "config.json", "{" + ",".join(f'"{number}":1' for number in range(390_000)) + "}")


@bomb
def json_depth(folder):
    return configured(folder, "config.json", '{"a":' + "[" * 4_000_000)


@bomb
def json_old_fields(folder):
    return configured(folder, "lit_config.json", "{" + ",".join(f'"{number}":1' for number in range(390_000)) + "}")


@bomb
def configuration_too_long(folder):
    return configured(folder, "model_config.yaml", "a" * ((4 << 20) + 1))
