"""Where the pictures of a distributed run are: files, Parquet tables and WebDataset shards at addresses of fsspec.

Shards are read here and not by the readers of Ray Data: one that cannot be read is a row in the errors, and the others
go on. Nothing here needs torch, so that processes that only read stay small.
"""
import os
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import fsspec
import numpy as np
import pyarrow.parquet as pq

from mmqanet.errors import DataError, InputError, printable
from mmqanet.utils.digests import are_among
from mmqanet.utils.files import MAX_FILE_BYTES, check_file
from mmqanet.utils.formats import IMAGE_SUFFIXES

TABLE, SHARD = '.parquet', '.tar'
COLUMNS = ('image', 'bytes', 'jpg', 'jpeg', 'png', 'webp', 'content')  # where a table has its pictures, by default
LARGEST_MEMBER = 2**36  # bytes of a file in a shard, which is read over where it is no picture
ROWS = 16  # of a table that are read at a time


class Content(NamedTuple):
    """The file of a picture, or why there is none."""

    picture: str  # id: its address; in a shard or table ADDRESS/KEY, ADDRESS#ROW
    content: bytes | None
    error: str | None = None


class StrictHeader(tarfile.TarInfo):
    """The header of a shard's member. One that is cut or damaged is an error; tarfile takes it for the end of the shard, and
    the pictures behind it would be lost without a word."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> 'StrictHeader':
        """A header of 512 bytes, as tarfile gives it; zeros are the end."""
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if buf and not any(buf):
                raise
            raise tarfile.ReadError(f'the shard is cut or damaged: {error}') from None


def list_sources(addresses: Iterable[str], *, recursive: bool = False, outside: str | None = None) -> list[str]:
    """Addresses of all pictures, tables and shards, each once; those of folders sorted.

    Args:
        addresses: files or folders, local or as fsspec knows them.
        recursive: also look into the folders of folders.
        outside: leave out what lies below this folder.

    Raises:
        InputError: nothing is there, or nothing of a kind that is read.
    """
    found: list[str] = []
    for address in addresses:
        try:
            fs, path = fsspec.core.url_to_fs(address)
            is_folder = fs.isdir(path)
            files = sorted(fs.find(path, maxdepth=None if recursive else 1)) if is_folder else [path]
            missing = not is_folder and not fs.exists(path)
        except (OSError, ImportError, ValueError) as error:
            raise InputError(f'{address}: cannot be opened ({error})') from None
        wanted = [f'{address.rstrip("/")}/{file[len(path.rstrip("/")) + 1:]}' for file in files if _is_wanted(file)]
        wanted = wanted if is_folder else [address]
        if outside is not None:
            wanted = [file for file in wanted if not _is_below(file, outside)]
        if missing or not wanted:
            raise InputError(f'{address}: ' + ('not found' if missing else 'no pictures, .parquet or .tar files in it'))
        found += wanted
    return list(dict.fromkeys(found))


def read_source(address: str, *, column: str | None = None) -> Iterator[Content]:
    """The pictures of a file, table or shard; what cannot be read is a row with an error.

    Args:
        address: of ``list_sources``.
        column: of a table, with the files of the pictures as bytes, or as a struct with a field ``bytes``.
    """
    for found in _contents(address, column=column):
        yield Content(_as_text(found.picture), found.content, None if found.error is None else _as_text(found.error))


def _contents(address: str, *, column: str | None) -> Iterator[Content]:
    readers: dict[str, Any] = {TABLE: lambda file: _rows(address, file, column), SHARD: lambda file: _members(address, file)}
    try:
        if '://' not in address:
            check_file(address)
        with fsspec.open(address, 'rb') as file:
            yield from readers.get(_suffix(address), lambda file: _whole(address, file))(file)
    except DataError as error:
        yield Content(address, None, str(error))
    except Exception as error:  # a broken file makes the readers of tables and shards raise many kinds
        reason = printable((str(error).splitlines() or [''])[0]) or type(error).__name__
        yield Content(address, None, f'{address}: not readable ({reason})')


def unfinished_rows(batch: Mapping[str, Any], *, column: str | None, finished: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The pictures of sources that are not done, for ``map_batches`` of Ray Data; one at a time, so that a shard need not
    fit in memory.

    Args:
        batch: addresses in a column ``item``.
        column: as in :func:`read_source`.
        finished: a reference of Ray to the digests of pictures that are done, in a list.
    """
    import ray

    done = ray.get(finished[0])
    for address in batch['item']:
        for row in read_source(str(address), column=column):
            if not are_among([row.picture], done)[0]:
                yield {key: np.array([value], dtype=object) for key, value in row._asdict().items()}


def _whole(address: str, file: Any) -> Iterator[Content]:
    content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        yield Content(address, None, f'{address}: more than {MAX_FILE_BYTES:,} bytes, which are not read')
    else:
        yield Content(address, content)


def _rows(address: str, file: Any, column: str | None) -> Iterator[Content]:
    table = pq.ParquetFile(file)
    names = table.schema_arrow.names
    column = column or next((name for name in COLUMNS if name in names), None)
    if column not in names:
        raise ValueError(f'no column {column or " or ".join(COLUMNS)}, but {", ".join(names)}')
    index = 0
    for batch in table.iter_batches(batch_size=ROWS, columns=[column]):
        for value in batch.column(0).to_pylist():
            content = value.get('bytes') if isinstance(value, dict) else value
            picture, index = f'{address}#{index}', index + 1
            yield Content(picture, content) if isinstance(content, bytes) else _without(picture)


def _members(address: str, file: Any) -> Iterator[Content]:
    """Samples of a WebDataset shard: files that follow each other with a name up to the first dot in common."""
    key, content = None, None
    with tarfile.open(fileobj=file, mode='r|*', tarinfo=StrictHeader) as shard:
        for member in shard:
            if member.size > LARGEST_MEMBER:
                raise ValueError(f'a member of {member.size:,} bytes')
            if not member.isfile():
                continue
            folder, _, name = member.name.rpartition('/')
            stem, _, suffix = name.partition('.')
            own = f'{folder}/{stem}' if folder else stem
            if own != key:
                if key is not None:
                    yield _sample(address, key, content)
                key, content = own, None
            if content is None and f'.{suffix.lower()}' in IMAGE_SUFFIXES and member.size <= MAX_FILE_BYTES:
                opened = shard.extractfile(member)
                content = opened.read() if opened else None
    if key is not None:
        yield _sample(address, key, content)


def _sample(address: str, key: str, content: bytes | None) -> Content:
    picture = f'{address}/{key}'
    return _without(picture) if content is None else Content(picture, content)


def _without(picture: str) -> Content:
    return Content(picture, None, f'{picture}: no picture in this row')


def _as_text(name: str) -> str:
    """A name with bytes that are not UTF-8 as ``%FF``, as tables cannot hold them."""
    return ''.join(f'%{ord(char) - 0xDC00:02X}' if 0xDC80 <= ord(char) <= 0xDCFF else char for char in name)


def _suffix(address: str) -> str:
    return PurePosixPath(address).suffix.lower()


def _is_wanted(path: str) -> bool:
    return not PurePosixPath(path).name.startswith('.') and _suffix(path) in (*IMAGE_SUFFIXES, TABLE, SHARD)


def _is_below(path: str, folder: str) -> bool:
    return '://' not in path and '://' not in folder and os.path.realpath(path).startswith(
        os.path.realpath(folder) + os.sep)
