"""The records of a TFRecord file, without TensorFlow.

A record is the number of its bytes (8 bytes, little-endian), a checksum of that number, the bytes, and a checksum of the bytes.
A checksum is the CRC-32C, rotated and shifted ("masked"), in 4 bytes. What the records say is read in `nasbench101.py`.
"""

import struct
from collections.abc import Iterator

import google_crc32c

from models.datasets.data_file import DataFile

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
_MAX_RECORD_BYTES = 1 << 20

_AGAIN = "download the file again"


def starts_a_tfrecord(head: bytes) -> bool:
    """Whether bytes from the start of a file are the header of a record."""
    if len(head) < _HEADER.size:
        return False
    checksum: int = _HEADER.unpack_from(head)[1]
    return masked_crc32c(head[:8]) == checksum


def read_records(data: DataFile) -> Iterator[bytes]:
    """The bytes of each record in turn; one record is in memory at a time.

    Raises `DataFileError`, naming the record, where a checksum does not match or the file ends within a record.
    """
    read, number = data.stream.read, 0
    while header := read(_HEADER.size):
        number += 1
        if len(header) < _HEADER.size:
            raise data.error(f"the file ends within the header of the record; {_AGAIN}", f"record {number}")
        length, checksum = _HEADER.unpack(header)
        if masked_crc32c(header[:8]) != checksum:
            raise data.error(
                f"the checksum of the record's length does not match, so the file is damaged; {_AGAIN}", f"record {number}"
            )
        if length > _MAX_RECORD_BYTES:
            raise data.error(f"expected a record of at most {_MAX_RECORD_BYTES} bytes, got {length}", f"record {number}")
        body = read(length + _CHECKSUM.size)
        if len(body) < length + _CHECKSUM.size:
            raise data.error(f"the file ends within the record, {length} bytes long; {_AGAIN}", f"record {number}")
        payload = body[:length]
        if masked_crc32c(payload) != _CHECKSUM.unpack_from(body, length)[0]:
            raise data.error(f"the checksum of the record does not match, so the file is damaged; {_AGAIN}", f"record {number}")
        yield payload


def masked_crc32c(data: bytes) -> int:
    """The CRC-32C of `data` in the masked form of TFRecord: rotated right by 15 bits, plus 0xa282ead8, modulo 2^32."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
