"""Makes one JPEG of the strips that a TIFF cuts it into, without touching a single coded pixel."""

from dataclasses import dataclass

_START, _END = b"\xff\xd8", b"\xff\xd9"
_TABLES, _INTERVAL, _SCAN = (0xDB, 0xC4), 0xDD, 0xDA
_SEQUENTIAL = (0xC0, 0xC1)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_UNIT_PX = 8
_MAX_INTERVAL = 0xFFFF


class NotJoinable(Exception):
    """These strips do not make one JPEG; their pixels have to be taken out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Strip:
    """One strip taken apart."""

    tables: tuple[bytes, ...]
    """Quantisation and Huffman segments as they stand there, marker included."""
    frame: bytes
    scan: bytes
    """The header of the scan."""
    coded: bytes
    interval: int


def with_tables(tables: bytes, strip: bytes) -> bytes:
    """A whole JPEG from shared tables and the strip that needs them."""
    if not tables:
        return strip
    if not (tables.startswith(_START) and tables.endswith(_END) and strip.startswith(_START)):
        raise NotJoinable
    return tables[:-2] + strip[2:]


def joined(tables: bytes, strips: list[bytes], rows_per_strip: int, height: int) -> bytes:
    """One JPEG of all strips: each becomes what stands between two restart markers.

    A strip begins anew with its predictions, exactly as the part behind a restart marker does.

    Raises:
        NotJoinable: they are progressive, differ in their tables, or do not end where blocks do.
    """
    if len(strips) == 1:
        return with_tables(tables, strips[0])
    parts = [_taken_apart(with_tables(tables, strip)) for strip in strips]
    first = parts[0]
    unit_width, unit_height = _unit(first.frame)
    if any(_shape(part) != _shape(first) or part.interval for part in parts) or rows_per_strip % unit_height:
        raise NotJoinable
    width = int.from_bytes(first.frame[7:9], "big")
    interval = -(-width // unit_width) * (rows_per_strip // unit_height)
    if not 0 < interval <= _MAX_INTERVAL or not 0 < height <= 0xFFFF:
        raise NotJoinable
    whole = bytearray(_START + b"".join(first.tables))
    whole += first.frame[:5] + height.to_bytes(2, "big") + first.frame[7:]
    whole += b"\xff\xdd\x00\x04" + interval.to_bytes(2, "big") + first.scan
    for number, part in enumerate(parts):
        whole += part.coded
        whole += _END if number == len(parts) - 1 else bytes((0xFF, 0xD0 + number % 8))
    return bytes(whole)


def _taken_apart(data: bytes) -> _Strip:
    tables: list[bytes] = []
    frame, interval, offset = b"", 0, 2
    while offset + 4 <= len(data) and data[offset] == 0xFF:
        marker = data[offset + 1]
        end = offset + 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
        segment = data[offset:end]
        if marker in _TABLES:
            tables.append(segment)
        elif marker in _SEQUENTIAL:
            frame = segment
        elif marker in _FRAMES:
            raise NotJoinable
        elif marker == _INTERVAL:
            interval = int.from_bytes(segment[4:6], "big")
        elif marker == _SCAN:
            close = data.rfind(_END)
            if close < end or len(frame) < 11:
                raise NotJoinable
            return _Strip(
                tables=tuple(dict.fromkeys(tables)), frame=frame, scan=segment, coded=data[end:close], interval=interval
            )
        offset = end
    raise NotJoinable


def _shape(strip: _Strip) -> tuple[object, ...]:
    """What must be the same in all strips: everything but their height."""
    return strip.tables, strip.frame[:5], strip.frame[7:], strip.scan


def _unit(frame: bytes) -> tuple[int, int]:
    """Width and height in pixels of the smallest coded unit."""
    components = frame[9]
    if len(frame) < 10 + 3 * components or components == 0:
        raise NotJoinable
    if components == 1:
        return _UNIT_PX, _UNIT_PX
    samplings = [frame[11 + 3 * index] for index in range(components)]
    return _UNIT_PX * max(1, *(s >> 4 for s in samplings)), _UNIT_PX * max(1, *(s & 15 for s in samplings))
