"""Writes files as NAS-Bench-101 publishes them, by the formats' specifications and with nothing from `models/datasets`."""

import base64
import json
import struct
from collections.abc import Iterable, Sequence
from typing import Any

DIAMOND = {
    "matrix": [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]],
    "ops": ["input", "conv1x1-bn-relu", "conv3x3-bn-relu", "output"],
}
MIRRORED = {**DIAMOND, "ops": ["input", "conv3x3-bn-relu", "conv1x1-bn-relu", "output"]}
CHAIN = {"matrix": [[0, 1, 0], [0, 0, 1], [0, 0, 0]], "ops": ["input", "maxpool3x3", "output"]}


def crc32c(data: bytes) -> int:
    """CRC-32C bit by bit: the reflected polynomial 0x82f63b78, all ones at the start and inverted at the end."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data: bytes) -> bytes:
    crc = crc32c(data)
    rotated = (crc >> 15) + ((crc & 0x7FFF) << 17)
    return struct.pack("<I", (rotated + 0xA282EAD8) % 2**32)


def framed(payload: bytes) -> bytes:
    length = struct.pack("<Q", len(payload))
    return length + masked(length) + payload + masked(payload)


def varint(value: int) -> bytes:
    groups = []
    while value >= 128:
        groups.append(value % 128 + 128)
        value //= 128
    return bytes([*groups, value])


def evaluation(epoch: float, seconds: float, train: float, validation: float, test: float) -> bytes:
    doubles = enumerate((epoch, seconds, train, validation, test), start=1)
    body = b"".join(bytes([field << 3 | 1]) + struct.pack("<d", value) for field, value in doubles)
    return b"\x0a" + varint(len(body)) + body


def metrics(validation: float, test: float, seconds: float = 90.0, parameters: int = 8_555_530, epochs: int = 108) -> bytes:
    """A `ModelMetrics` message: before the training, half way, and at the end."""
    start = evaluation(0.0, 0.0, 0.1, 0.1, 0.1)
    middle = evaluation(epochs / 2, seconds / 2, 0.5, 0.4, 0.3)
    end = evaluation(float(epochs), seconds, 1.0, validation, test)
    return start + middle + end + b"\x10" + varint(parameters) + b"\x19" + struct.pack("<d", 2 * seconds)


def record(cell: dict[str, Any], message: bytes, epochs: int = 108) -> bytes:
    adjacency = "".join(str(bit) for row in cell["matrix"] for bit in row)
    parts = ["00005c142e6f48ac74fdcf73e3439874", epochs, adjacency, ",".join(cell["ops"]), base64.b64encode(message).decode()]
    return json.dumps(parts).encode()


def tfrecord(payloads: Iterable[bytes]) -> bytes:
    return b"".join(framed(payload) for payload in payloads)


def repeats(cell: dict[str, Any], validations: Sequence[float], epochs: int = 108) -> list[bytes]:
    """One record for each validation accuracy; the test accuracy is 0.01 less, the seconds grow from 100 by ones."""
    return [
        record(cell, metrics(value, value - 0.01, 100.0 + index, 1_000, epochs), epochs) for index, value in enumerate(validations)
    ]
