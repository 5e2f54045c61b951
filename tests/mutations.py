"""Spoilt files made from good ones: in their structure (values, keys, tables, cells, attributes, variables) and byte by byte."""

import copy
import csv
import io
import json
import re
import tomllib

import h5py
import numpy as np

RAW = "RAW:"
"""How a text begins that goes into a file as it is, without quotation marks."""

ODD = [
    *("", " ", "x", "a\nb", "\x1b]0;pwned\x07", "\x00", "é" * 300, "‮", "x" * 100_000, "1" * 40_000, "../../etc/passwd", "/dev/zero", "__proto__"),
    *("fixed", "mixture", "lognormal", "ours", "stated", "reference", "nan", "1e999", "2026-13-45", "2026-01-31", "growth", "=", "%s%n"),
    *(0, 1, -1, 2, 3.5, 0.5, 1e308, -1e308, 5e-324, 10**19, 2**63, 2**64, True, False, None, [], {}, [[]], [{}], [1, "x"], [True, True]),
    *({"family": "fixed"}, {"family": []}, {"family": "fixed", "value": []}, {"family": "fixed", "value": True}, {"p": 0.5}, ["x"] * 1000),
    *(float("nan"), float("inf"), float("-inf"), -0.0, f"{RAW}{'9' * 5000}", f"{RAW}1e400", f"{RAW}{'[' * 200}{']' * 200}"),
    *(f"{RAW}1979-05-27T07:32:00Z", f"{RAW}07:32:00", f"{RAW}0x10", f"{RAW}1_0", f'{RAW}"\\ud800"', f'{RAW}"\\u001b[2J"', f"{RAW}{'{a=' * 100}"),
]  # fmt: skip
"""What takes the place of a value."""

KEYS = [
    "",
    "x",
    "family",
    "value",
    "q05",
    "label",
    "source",
    "a b",
    "\x1b[2J",
    "x" * 5000,
    "é",
    "__class__",
    "0",
]
"""What takes the place of a key."""

JUNK = [
    *(b"nan", b"-inf", b"1e999", b"0", b"-0.0", b"-1", b"9" * 5000, b"0x10", b"1_0", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80"),
    *(b"\r", b"\n", b"\r\n", b'"', b"'''", b'"""', b",", b";", b"=", b"[", b"]", b"[[", b"{", b"}", b"#", b"\\", b"\\u0000", b"\x1b[31m", "١٢".encode()),
    *(b"[" * 500, b"{a=" * 200, b"a.b.c = 1\n", b"a." * 5000, b"true", b"[]", b"{}", b"''", b"2026-01-01", b"x" * 200_000, b"fixed", b"ours"),
]  # fmt: skip
"""What is put between bytes."""


def one_of(items, random):
    return items[random.integers(len(items))]


def spoil_bytes(content, random):
    """The bytes with one to three changes of chance."""
    for _ in range(random.integers(1, 4)):
        size = max(len(content), 1)
        at, length = int(random.integers(size)), int(random.integers(1, 1 + min(size, 40)))
        lines = content.split(b"\n")
        match random.integers(6):
            case 0:
                content = content[:at] + bytes([random.integers(256)]) + content[at + 1 :]
            case 1:
                content = content[:at] + content[at + length * random.integers(2) :]
            case 2:
                content = content[:at] + one_of(JUNK, random) + content[at + length * random.integers(2) :]
            case 3:
                del lines[random.integers(len(lines))]
                content = b"\n".join(lines)
            case 4:
                lines.insert(random.integers(len(lines) + 1), one_of(lines, random))
                content = b"\n".join(lines)
            case _:
                content = content[:at]
    return content


def spoil_document(document, random):
    """A copy of a document of tables and lists with one to three changes."""
    document = copy.deepcopy(document)
    for _ in range(random.integers(1, 4)):
        place = document
        while True:
            inner = [item for item in _items(place) if isinstance(item, dict | list) and item]
            if not inner or random.random() < 0.3:
                break
            place = one_of(inner, random)
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            continue
        key, odd = one_of(keys, random), copy.deepcopy(one_of(ODD, random))
        match random.integers(7):
            case 0 | 1 | 2:
                place[key] = odd
            case 3:
                del place[key]
            case 4:
                place[key] = one_of(
                    [[place[key]], {"x": place[key]}, str(place[key]), [place[key]] * 2], random
                )
            case 5 if isinstance(place, dict):
                place[one_of(KEYS, random)] = place.pop(key) if random.random() < 0.5 else odd
            case _:
                place[key] = copy.deepcopy(place[one_of(keys, random)])
    return document


def _items(place):
    return place.values() if isinstance(place, dict) else place


def as_toml(document):
    """TOML of a document: a line a key, every table in one line."""
    lines = (f"{_key(key)} = {_toml(value)}" for key, value in document.items())
    return _with_raw("\n".join(lines) + "\n")


def _key(key):
    return json.dumps(str(key), ensure_ascii=False)


def _toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)} = {_toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | bool | int) else "''" if value is None else str(value)  # fmt: skip


def as_json(document):
    return _with_raw(json.dumps(document, ensure_ascii=False, default=str))


def _with_raw(text):
    return re.sub(rf'"{RAW}((?:[^"\\]|\\.)*)"', lambda found: json.loads(f'"{found[1]}"'), text)


def toml_of(content):
    """A function of a random generator that gives spoilt bytes of this TOML file."""
    document = tomllib.loads(content.decode())
    return lambda random: as_toml(spoil_document(document, random)).encode(errors="replace")


def json_of(content):
    """The same, of a file with a JSON document in each line, or one in all."""
    lines = content.decode().splitlines()
    try:
        documents = [json.loads(line) for line in lines]
    except json.JSONDecodeError:
        documents = [json.loads(content)]

    def spoilt(random):
        at = int(random.integers(len(documents)))
        new = [spoil_document(item, random) if i == at else item for i, item in enumerate(documents)]
        return "\n".join(map(as_json, new)).encode(errors="replace")

    return spoilt


def csv_of(content):
    """The same, of a table."""
    table = list(csv.reader(io.StringIO(content.decode(), newline="")))

    def spoilt(random):
        lines = [list(line) for line in table]
        for _ in range(random.integers(1, 4)):
            at = int(random.integers(len(lines)))
            line = lines[at] or [""]
            cell = int(random.integers(len(line)))
            odd = one_of(ODD, random)
            odd = odd.removeprefix(RAW) if isinstance(odd, str) else str(odd)
            match random.integers(7):
                case 0 | 1 | 2:
                    line[cell] = odd
                case 3:
                    del line[cell]
                case 4:
                    line.insert(cell, odd)
                case 5:
                    line[cell] = one_of(one_of([item for item in lines if item] or [[""]], random), random)
                case _:
                    lines.insert(at, list(line)) if random.random() < 0.5 else lines.pop(at)
            if not lines:
                lines = [[odd]]
        out = io.StringIO()
        csv.writer(out, lineterminator=one_of(["\n", "\r\n"], random)).writerows(lines)
        return out.getvalue().encode(errors="replace")

    return spoilt


HDF5_VALUES = [0, -1.5, np.nan, True, "x", "", b"\xff\xfe", np.zeros(3), np.array([b"a", b"b"]), [1, 2], "\x1b[2J", "[" * 5000, "{}", "[]",
               h5py.Empty("f8"), h5py.Empty("S3"), np.array(["a", "é"], dtype=object), np.void(b"ab"), 2**62]  # fmt: skip
HDF5_NAMES = ["more", b"\xff\xfe", "a b", "\x1b[2J", "x" * 3000, "chain"]
HDF5_DATA = [0.0, [1.0, np.nan], np.zeros((2, 2, 2)), np.array(["a"], dtype=object), np.zeros(3, "S5"), np.zeros(0), b"\xff", np.zeros(2, "c16"),
             np.zeros(2, [("a", "f8")]), np.array([2**63], "u8"), np.array([True])]  # fmt: skip


def hdf5_of(content):
    """The same, of a NetCDF file."""

    def spoilt(random):
        memory = io.BytesIO(content)
        with h5py.File(memory, "r+") as file:
            for _ in range(random.integers(1, 3)):
                groups = [file, *(item for item in file.values() if isinstance(item, h5py.Group))]
                place = one_of(groups, random)
                items = [item for item in place.values() if isinstance(item, h5py.Dataset)]
                variable = one_of(items, random) if items else None
                holder = place if variable is None or random.random() < 0.6 else variable
                names = [
                    name for name in holder.attrs if not name.startswith(("DIM", "REF", "CLASS", "NAME"))
                ]
                try:
                    match random.integers(6):
                        case 0 | 1 if names:
                            holder.attrs[one_of(names, random)] = one_of(HDF5_VALUES, random)
                        case 2 if names:
                            del holder.attrs[one_of(names, random)]
                        case 3 if variable is not None:
                            name = variable.name
                            del file[name]
                            if random.random() < 0.7:
                                file[name] = one_of(HDF5_DATA, random)
                        case 4 if variable is not None and variable.shape and variable.dtype.kind == "f":
                            variable[(0,) * variable.ndim] = one_of(
                                [np.nan, np.inf, -1.0, 0.0, 1e308], random
                            )
                        case _:
                            place[one_of(HDF5_NAMES, random)] = one_of(HDF5_DATA, random)
                except (OSError, ValueError, TypeError, KeyError):  # what HDF5 itself refuses to make
                    continue
        return memory.getvalue()

    return spoilt


KINDS = {".toml": toml_of, ".csv": csv_of, ".json": json_of, ".jsonl": json_of, ".nc": hdf5_of}


def mutations(name, content):
    """A function of a random generator that gives spoilt bytes of a file: three of four in their structure."""
    structured = KINDS[name[name.rindex(".") :]](content)
    return lambda random: structured(random) if random.random() < 0.75 else spoil_bytes(content, random)
