"""How pool and workers talk: length-prefixed JSON over a socket, never pickle; a worker's word is not trusted.

A message with the key "attached" is followed by that many bytes; whoever receives it finds them under that key.
"""

import json
import os
import socket
import struct
from typing import Any

Message = dict[str, Any]

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""What a worker may answer at once."""
MAX_QUESTION_BYTES = 1024 * 1024 * 1024
"""What the pool may ask, which is trusted: all words of two thousand dense pages are a tenth of it."""
_HEADER = struct.Struct("!I")


class Disconnected(Exception):
    """The other side is gone, or said something that is not a message."""


def send(connection: socket.socket, message: Message, descriptor: int | None = None) -> None:
    """Send one message, and with it an open file if one is given."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    header = _HEADER.pack(len(body))
    try:
        if descriptor is None:
            connection.sendall(header + body)
            return
        socket.send_fds(connection, [header], [descriptor])
        connection.sendall(body)
    except OSError as err:
        raise Disconnected from err


def send_attached(connection: socket.socket, message: Message, attached: bytes) -> None:
    """Send one message and, behind it, bytes that are no text."""
    send(connection, message | {"attached": len(attached)})
    try:
        connection.sendall(attached)
    except OSError as err:
        raise Disconnected from err


def receive(connection: socket.socket, max_attached_bytes: int = 0) -> Message:
    """The next message. Descriptors that come with it are closed: only workers are handed files.

    Raises:
        Disconnected: the other side is gone, too slow for the socket's timeout, or does not speak our language.
    """
    message, descriptor = receive_with_file(connection, MAX_MESSAGE_BYTES)
    if descriptor is not None:
        os.close(descriptor)
    if "attached" in message:
        size = message["attached"]
        if type(size) is not int or not 0 <= size <= max_attached_bytes:
            raise Disconnected
        try:
            message["attached"] = _exactly(connection, size)
        except OSError as err:
            raise Disconnected from err
    return message


def receive_with_file(connection: socket.socket, max_bytes: int = MAX_QUESTION_BYTES) -> tuple[Message, int | None]:
    """The next message and the open file that came with it, if any; else as `receive`."""
    try:
        header, descriptors, _, _ = socket.recv_fds(connection, _HEADER.size, 1)
        if len(header) < _HEADER.size:
            header += _exactly(connection, _HEADER.size - len(header)) if header else b""
        if not header:
            raise Disconnected
        (size,) = _HEADER.unpack(header)
        if size > max_bytes:
            raise Disconnected
        message = json.loads(_exactly(connection, size))
    except (OSError, ValueError, RecursionError) as err:
        raise Disconnected from err
    if not isinstance(message, dict):
        raise Disconnected
    return message, descriptors[0] if descriptors else None


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        part = connection.recv(min(1 << 20, size - len(parts)))
        if not part:
            raise Disconnected
        parts += part
    return bytes(parts)
