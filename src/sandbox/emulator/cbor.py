"""CBOR as Smithy RPC v2 uses it, between the wire and plain values.

Newer SDKs reach CloudWatch only by this protocol:
https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html
Values are read and written by the operation's model, so that blobs,
timestamps (tag 1) and floating point numbers keep their types.
"""

import base64
import datetime
import struct

_BREAK = object()
_UTC = datetime.timezone.utc


class Tag:
    """A tagged value that is not a timestamp."""

    def __init__(self, number, value):
        self.number = number
        self.value = value


def decode(data):
    """The one value that `data` holds; bytes left over are an error."""
    value, at = _item(data, 0)
    if at != len(data):
        raise ValueError("bytes after the CBOR value")
    return value


def _item(data, at):
    if at >= len(data):
        raise ValueError("CBOR value is cut short")
    major, info = data[at] >> 5, data[at] & 31
    at += 1
    raw = b""
    if info < 24:
        count = info
    elif info <= 27:
        raw = data[at : at + (1 << (info - 24))]
        if len(raw) != 1 << (info - 24):
            raise ValueError("CBOR value is cut short")
        count = int.from_bytes(raw, "big")
        at += len(raw)
    elif info == 31:
        count = None
    else:
        raise ValueError("CBOR head is malformed")
    if major == 0:
        return count, at
    if major == 1:
        return -1 - count, at
    if major in (2, 3):
        if count is None:
            parts, at = _until_break(data, at)
            return (b"" if major == 2 else "").join(parts), at
        piece = bytes(data[at : at + count])
        if len(piece) != count:
            raise ValueError("CBOR string is cut short")
        return (piece if major == 2 else piece.decode("utf-8")), at + count
    if major == 4:
        if count is None:
            return _until_break(data, at)
        items = []
        for _ in range(count):
            value, at = _item(data, at)
            items.append(value)
        return items, at
    if major == 5:
        if count is None:
            items, at = _until_break(data, at)
            return dict(zip(items[::2], items[1::2])), at
        table = {}
        for _ in range(count):
            key, at = _item(data, at)
            table[key], at = _item(data, at)
        return table, at
    if major == 6:
        value, at = _item(data, at)
        if count == 1:
            return datetime.datetime.fromtimestamp(value, _UTC), at
        return Tag(count, value), at
    if info == 20:
        return False, at
    if info == 21:
        return True, at
    if info in (22, 23):
        return None, at
    if info in (25, 26, 27):
        return struct.unpack({25: ">e", 26: ">f", 27: ">d"}[info], raw)[0], at
    if info == 31:
        return _BREAK, at
    raise ValueError("CBOR simple value is not supported")


def _until_break(data, at):
    items = []
    while True:
        value, at = _item(data, at)
        if value is _BREAK:
            return items, at
        items.append(value)


def _head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * width):
            return bytes([major << 5 | info]) + number.to_bytes(width, "big")
    raise ValueError("number is too large for CBOR")


def encode(value):
    """`value` as CBOR with definite lengths."""
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode("utf-8")
        return _head(3, len(data)) + data
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=_UTC)
        seconds = value.timestamp()
        return _head(6, 1) + encode(int(seconds) if seconds == int(seconds) else seconds)
    if isinstance(value, Tag):
        return _head(6, value.number) + encode(value.value)
    if isinstance(value, (list, tuple)):
        return _head(4, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, dict):
        return _head(5, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    raise TypeError("no CBOR form for " + type(value).__name__)


def shaped(value, shape):
    """`value` with the types that `shape` (of botocore's model) asks for on the wire."""
    kind = shape.type_name
    if kind == "structure":
        return {
            name: shaped(value[name], member)
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        return [shaped(item, shape.member) for item in value]
    if kind == "map":
        return {key: shaped(item, shape.value) for key, item in value.items()}
    if kind in ("float", "double"):
        return float(value)
    if kind in ("integer", "long"):
        return int(value)
    if kind == "blob" and isinstance(value, str):
        return base64.b64decode(value)
    return value
