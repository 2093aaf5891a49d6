"""The folder of a distributed run, at any address that fsspec knows: which batches are whole, and which pictures are done.

    run.json                  version of the tables, model and options
    people/BATCH.parquet      rows of a batch
    errors/BATCH.parquet      only where something failed
    pictures/BATCH.parquet    written last: it vouches for the other two
    attempts/BATCH.N          while a batch is parsed
    files/...                 the files of parse, if asked for (mmqanet/apis/batch/files.py)

BATCH is a digest of the ids of the pictures in it: a batch that is parsed again takes the place of its own files.
"""
import hashlib
import io
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from mmqanet.apis.batch.tables import VERSION
from mmqanet.errors import DataError, InputError
from mmqanet.utils.digests import DIGEST_BYTES, id_digests
from mmqanet.utils.files import MAX_FILE_BYTES, check_file, write_bytes

RUN = 'run.json'
FILES = 'files'
FOLDERS = ('people', 'pictures', 'errors', 'attempts', FILES)
OWN = re.compile(r'[0-9a-f]{32}(\.parquet|(-alone)?\.\d+)')  # names of files in them, which may be removed; no other is
STAGED = re.compile(r'\.part_[0-9a-f]{12}')  # what a killed worker leaves in FILES


class RunFolder:
    """Where the tables lie.

    Args:
        address: a folder, or e.g. ``s3://bucket/folder``.

    Raises:
        InputError: nothing can be opened at such an address.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        try:
            self.fs, self.root = fsspec.core.url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise InputError(f'{address}: no address that can be opened ({error})') from None

    def start(self, options: Mapping[str, Any]) -> None:
        """Begin a run, or go on with an earlier one: what it left of batches that are not whole goes, and so do its
        errors, as those pictures are tried again.

        Args:
            options: model and thresholds, equal to those of the earlier run.

        Raises:
            InputError: the folder holds a run of another version, model or options, files of something else, or a link that
                leads out of it.
            DataError: it cannot be read or written.
        """
        wanted = dict(version=VERSION, options=json.loads(json.dumps(options)))
        with self._access():
            self.fs.invalidate_cache()
            self._refuse_links()
            if self.fs.exists(self._path(RUN)):
                self._check(wanted)
            elif found := [folder for folder in FOLDERS if self._names(folder)]:
                raise InputError(f'{self.address}: files in {found[0]} without {RUN}, so of no run that could go on; '
                                 'choose another --out')
            else:
                self._write(RUN, json.dumps(wanted, indent=1).encode())
            whole = set(self._files('pictures'))
            torn = [f'people/{name}' for name in self._files('people') if name not in whole]
            for path in (*torn, *(f'{folder}/{name}' for folder in ('errors', 'attempts') for name in self._files(folder))):
                self.fs.rm_file(self._path(path))
            for name in filter(STAGED.fullmatch, self._names(FILES)):
                self.fs.rm(self._path(f'{FILES}/{name}'), recursive=True)

    def finished(self) -> np.ndarray:
        """Digests (N,) of the ids of all pictures that are done, sorted; for :func:`mmqanet.utils.digests.are_among`.

        Raises:
            DataError: a table cannot be read.
        """
        digests = [id_digests([])]
        for name in self._files('pictures'):
            digests.append(id_digests(self._read_pictures(name)))
        return np.unique(np.concatenate(digests))

    def commit(self, batch: str, tables: Mapping[str, pa.Table]) -> None:
        """Write the rows of a batch; as a whole, or such that the next :meth:`start` removes them.

        Raises:
            DataError: they cannot be written.
        """
        for name in ('people', 'errors', 'pictures'):
            if name == 'pictures' or tables[name].num_rows:
                buffer = io.BytesIO()
                pq.write_table(tables[name], buffer, compression='zstd')
                with self._access():
                    self._write(f'{name}/{batch}.parquet', buffer.getvalue())

    @contextmanager
    def attempt(self, batch: str) -> Iterator[int]:
        """A context that notes an attempt at a batch until it ends without an error; gives the number of earlier attempts
        that ended with their worker, as when it runs out of memory."""
        with self._access():
            self.fs.invalidate_cache()
            notes = [name for name in self._files('attempts') if name.startswith(f'{batch}.')]
            self._write(f'attempts/{batch}.{len(notes)}', b'')
        yield len(notes)
        with self._access():
            for name in [*notes, f'{batch}.{len(notes)}']:
                self.fs.rm_file(self._path(f'attempts/{name}'))

    def _check(self, wanted: Mapping[str, Any]) -> None:
        try:
            found = json.loads(self.fs.cat_file(self._regular(RUN)))
            version, options = found['version'], dict(found['options'])
        except (ValueError, KeyError, TypeError, RecursionError, DataError):
            raise InputError(f'{self.address}/{RUN}: not readable as the file of a run; choose another --out') from None
        if version != VERSION:
            raise InputError(f'{self.address}: tables of version {version}, but this program writes version {VERSION}; '
                             'choose another --out')
        changed = sorted(key for key in {*options, *wanted['options']} if options.get(key) != wanted['options'].get(key))
        if changed:
            raise InputError(f'{self.address}: a run with another {", ".join(changed)}; choose another --out')

    def _read_pictures(self, name: str) -> list[str]:
        try:
            with self.fs.open(self._regular(f'pictures/{name}'), 'rb') as file:
                return [str(picture) for picture in pq.read_table(file, columns=['picture'])['picture'].to_pylist()]
        except Exception as error:  # a broken file makes pyarrow raise many kinds
            raise DataError(f'{self.address}/pictures/{name}: not readable ({_short(error)}); '
                            'remove it to parse its pictures again') from None

    def _files(self, folder: str) -> list[str]:
        """Names of the files of runs in a folder."""
        return [name for name in self._names(folder) if OWN.fullmatch(name)]

    def _names(self, folder: str) -> list[str]:
        """Names of everything in a folder."""
        try:
            return sorted(path.rpartition('/')[2] for path in self.fs.ls(self._path(folder), detail=False))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _refuse_links(self) -> None:
        for folder in FOLDERS if isinstance(self.fs, LocalFileSystem) else ():
            whole = os.path.realpath(self.root), folder
            if os.path.realpath(self._path(folder)) != os.path.join(*whole):
                raise InputError(f'{self.address}/{folder}: a link leads elsewhere; choose another --out')

    def _regular(self, path: str) -> str:
        """A path below the folder; ``DataError`` where it leads to a pipe or device of this machine."""
        if isinstance(self.fs, LocalFileSystem):
            check_file(self._path(path), limit=MAX_FILE_BYTES)
        return self._path(path)

    def _write(self, path: str, content: bytes) -> None:
        target = self._path(path)
        if isinstance(self.fs, LocalFileSystem):
            self.fs.makedirs(target.rpartition('/')[0], exist_ok=True)
            write_bytes(target, content)
        else:  # which shows a file when it is whole
            self.fs.pipe_file(target, content)

    def _path(self, path: str) -> str:
        return f'{self.root.rstrip("/")}/{path}'

    @contextmanager
    def _access(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f'{self.address}: cannot be read or written ({_short(error)})') from None


def batch_name(pictures: Sequence[str]) -> str:
    """The name of the files of a batch with these ids."""
    return hashlib.blake2b(b''.join(id_digests(pictures).tolist()), digest_size=DIGEST_BYTES).hexdigest()


def _short(error: Exception) -> str:
    return (getattr(error, 'strerror', None) or str(error) or type(error).__name__).splitlines()[0]
