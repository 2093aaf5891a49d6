"""Bytes by key, in memory that a process shares with those forked from it: the workers of a data loader."""
import mmap
import multiprocessing
import struct
from collections.abc import Hashable
from hashlib import blake2b
from typing import NamedTuple

from mmqanet.errors import InputError

HEAD = struct.Struct('<QQ')  # bytes and entries in use
ENTRY = struct.Struct('<16sQQ?')  # digest of the key, start and size of the content (0: a free entry), whether it is written
BYTES_AN_ENTRY = 512  # the table has an entry for so many bytes
LARGEST_SHARE = 0.75  # of the table that may be in use: in a fuller one the search is long, in a full one without end


class _Entry(NamedTuple):
    place: int  # where it lies in memory
    digest: bytes
    start: int
    size: int
    written: bool


class SharedStore:
    """Byte strings by key. Processes forked after the store was made read and fill the same one.

    Nothing is ever removed: where keys come in random order, each as often as the others, an old content is worth as much as
    a new one. After the first content without room nothing more is kept. Memory is taken as the store fills.

    A copy, deep or pickled, is a new and empty store. So processes that are spawned instead of forked share nothing.

    Args:
        max_bytes: of all contents and the table of keys; 0 keeps nothing.

    Raises:
        InputError: ``max_bytes`` is negative or more than the system grants.
    """

    def __init__(self, max_bytes: int) -> None:
        if max_bytes < 0:
            raise InputError(f'memory to keep things in must not be negative, got {max_bytes:,} bytes')
        self.max_bytes = max_bytes
        self._entries = max_bytes // BYTES_AN_ENTRY
        self._contents = HEAD.size + self._entries * ENTRY.size
        self.full = not self._entries
        if self._entries:
            try:
                self._memory = mmap.mmap(-1, max_bytes)
            except (OSError, OverflowError, ValueError) as error:
                raise InputError(f'{max_bytes:,} bytes of memory to keep things in cannot be had ({error})') from None
            self._lock = multiprocessing.Lock()

    def __reduce__(self) -> tuple[type['SharedStore'], tuple[int]]:
        return SharedStore, (self.max_bytes,)

    @property
    def bytes_used(self) -> int:
        """Bytes of all contents so far."""
        return HEAD.unpack_from(self._memory)[0] if self._entries else 0

    def __len__(self) -> int:
        """How many contents there are."""
        return HEAD.unpack_from(self._memory)[1] if self._entries else 0

    def get(self, key: Hashable) -> memoryview | None:
        """The content of a key, read-only and not copied; ``None`` if it is not there."""
        if not self._entries:
            return None
        with self._lock:
            entry = self._find(key)
        return memoryview(self._memory)[entry.start:entry.start + entry.size].toreadonly() if entry.written else None

    def add(self, key: Hashable, *parts: bytes | memoryview) -> None:
        """Keep a content of one or more bytes, given in parts, if there is room. The first content of a key stays."""
        size = sum(map(len, parts))
        entry = None if self.full else self._reserve(key, size)
        if entry is None:
            return
        end = entry.start
        for part in parts:  # meanwhile other processes need not wait
            self._memory[end:end + len(part)] = part
            end += len(part)
        with self._lock:
            self._write(entry._replace(written=True))

    def _reserve(self, key: Hashable, size: int) -> _Entry | None:
        """An entry with room for a content; ``None`` if there is no room, or the key has one."""
        with self._lock:
            entry = self._find(key)
            used, entries = HEAD.unpack_from(self._memory)
            if entry.size:
                return None
            self.full = self._contents + used + size > self.max_bytes or entries + 1 > LARGEST_SHARE * self._entries
            if self.full:
                return None
            HEAD.pack_into(self._memory, 0, used + size, entries + 1)
            entry = entry._replace(start=self._contents + used, size=size)
            self._write(entry)
            return entry

    def _write(self, entry: _Entry) -> None:
        ENTRY.pack_into(self._memory, entry.place, *entry[1:])

    def _find(self, key: Hashable) -> _Entry:
        """The entry of a key, or the free one that is to become it."""
        digest = blake2b(repr(key).encode(), digest_size=16).digest()  # a hash differs by process
        index = int.from_bytes(digest[:8], 'little')
        while True:
            place = HEAD.size + index % self._entries * ENTRY.size
            found, start, size, written = ENTRY.unpack_from(self._memory, place)
            if not size or found == digest:
                return _Entry(place, digest, start, size, written)
            index += 1
