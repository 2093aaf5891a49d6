"""Parquet tables and WebDataset shards that are not what they should be, and folders of runs that hold something else."""
import gzip
import io
import json
import os
import struct
import tarfile
from functools import partial

from attack import Attack
from data_attacks import png
from hostile_pickles import as_pickle, call, write


def evil(marker):
    return as_pickle(call('builtins', 'open', str(marker), 'w'))


def table(column=None, *, name='image', metadata=None):
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = pa.array([png()]) if column is None else column
    whole = pa.table({name: column})
    if metadata:
        field = whole.schema.field(0).with_metadata(metadata)
        whole = whole.cast(pa.schema([field]))
    buffer = io.BytesIO()
    pq.write_table(whole, buffer)
    return buffer.getvalue()


def arrow(values, kind):
    import pyarrow as pa

    return pa.array(values, getattr(pa, kind)())


def extension(marker):
    return {'ARROW:extension:name': 'arrow.py_extension_type', 'ARROW:extension:metadata': evil(marker)}


TABLES = {
    'empty': lambda m: b'',
    'text': lambda m: b'evil',
    'pickle': evil,
    'marks alone': lambda m: b'PAR1' + bytes(20) + b'PAR1',
    'footer of gigabytes': lambda m: b'PAR1' + bytes(20) + struct.pack('<I', 2**31 - 1) + b'PAR1',
    'encrypted footer': lambda m: b'PARE' + bytes(40) + struct.pack('<I', 8) + b'PARE',
    'cut': lambda m: table()[:-20],
    'damaged pages': lambda m: table()[:10] + bytes(40) + table()[50:],
    'damaged footer': lambda m: table()[:-60] + bytes(40) + table()[-20:],
    'another column': lambda m: table(name='evil\n\x1b[2J'),
    'texts': lambda m: table(arrow(['evil'], 'string')),
    'numbers': lambda m: table(arrow([1], 'int64')),
    'nothing': lambda m: table(arrow([None], 'binary')),
    'lists': lambda m: table([[b'evil']]),
    'structures without bytes': lambda m: table([dict(path='/etc/passwd')]),
    'structures of a path': lambda m: table([dict(bytes=None, path='/etc/passwd')]),
}


def shard(*members, mode='w', format=tarfile.GNU_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=format) as file:
        for member, content in members:
            file.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def member(name, content=b'', **changes):
    found = tarfile.TarInfo(name)
    found.size = len(content)
    for key, value in changes.items():
        setattr(found, key, value)
    return found, content


def sparse(size):
    """A member that says that it is so large, most of it holes."""
    found = bytearray(shard(member('a.png', bytes(512))))
    found[156:157] = b'S'
    found[386:398] = b'00000000000\0'
    found[398:410] = b'00000000010\0'
    found[483:495] = f'{size:011o}\0'.encode()
    found[148:156] = b' ' * 8
    found[148:156] = f'{sum(found[:512]):06o}\0 '.encode()
    return bytes(found)


def pax(**headers):
    return shard(member('a.png', png(), pax_headers=headers), format=tarfile.PAX_FORMAT)


SHARDS = {
    'empty': lambda m: b'',
    'text': lambda m: b'evil' * 300,
    'pickle': lambda m: evil(m) + bytes(1024),
    'cut': lambda m: shard(member('a.png', png()))[:600],
    'cut after a member': lambda m: shard(member('a.png', png()))[:1024],
    'cut in a header': lambda m: shard(member('a.png', png()), member('b.png', png()))[:1300],
    'damaged gzip': lambda m: gzip.compress(shard(member('a.png', png())))[:60] + b'evil' * 20,
    'damaged bzip2': lambda m: b'BZh9' + b'evil' * 100,
    'damaged xz': lambda m: b'\xfd7zXZ\x00' + b'evil' * 100,
    'half a gzip': lambda m: gzip.compress(shard(member('a.png', os.urandom(5000))))[:2000],
    'size no number': lambda m: shard(member('a.png', png())).replace(b'00000000', b'evilevil', 5),
    'negative size': lambda m: shard(member('a.png', png()))[:124] + b'\xff' * 12 + shard(member('a.png', png()))[136:],
    'holes': lambda m: sparse(2**33 - 1),
    'size of exabytes by note': lambda m: pax(size='9' * 18),
}
HARMLESS = {
    'names outside': lambda m: shard(member('../../victim.png', png()), member('/etc/passwd.png', png())),
    'links': lambda m: shard(member('a.png', type=tarfile.SYMTYPE, linkname='/etc/passwd'),
                             member('b.png', type=tarfile.LNKTYPE, linkname='/etc/passwd')),
    'devices': lambda m: shard(member('a.png', type=tarfile.CHRTYPE, devmajor=1, devminor=5),
                               member('b.png', type=tarfile.FIFOTYPE)),
    'names that clear the screen': lambda m: shard(member('\x1b[2J\n.png', png())),
    'names no text': lambda m: shard(member('\udcff.png', png())),
    'size no number by note': lambda m: pax(size='evil'),
    'path by note': lambda m: pax(path='../../victim.png'),
}


def with_content(content, path, marker):
    write(path, content(marker))


def with_special(kind, path, marker):
    dict(pipe=os.mkfifo, link=lambda place: os.symlink(place.name, place),
         device=lambda place: os.symlink('/dev/zero', place))[kind](path)


def with_extension(path, marker):
    write(path, table(metadata=extension(marker)))


def with_run(entries, path, marker):
    """A folder for results in which something lies already."""
    (path / 'out').mkdir(parents=True)
    for name, content in entries.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            os.mkfifo(place)
        elif content is Ellipsis:
            (path.parent / 'elsewhere').mkdir()
            write(path.parent / 'elsewhere' / f'{"0" * 32}.parquet', b'mine')
            place.symlink_to(path.parent / 'elsewhere')
        else:
            write(place, content if isinstance(content, bytes) else json.dumps(content).encode())


OUTSIDE = {
    'upwards': '../../victim.png',
    'upwards later': 'a/../../../victim.png',
    'two dots': '...png',
    'without end': f'{"a" * 5000}.png',
    'as the system writes': '..\\..\\victim.png',
}
INSIDE = {
    'from the root': '/etc/passwd.png',
    'deep': f'{"a/" * 60}a.png',
    'clears the screen': '\x1b[2J\n.png',
    'people of another': 'people/a/1.png',
    'no text': '\udcff.png',
}


def with_member(name, path, marker):
    write(path, shard(member(name, png((20, 30)))))


GOOD = dict(version=1, options={})
OWN = f'{"0" * 32}.parquet'
RUNS = {
    'errors of somebody': {'errors/notes.txt': b'mine'},
    'attempts of somebody': {'attempts/first.txt': b'mine'},
    'people of somebody': {'people/me.png': b'mine'},
    'pictures of somebody': {'pictures/me.png': b'mine'},
    'people elsewhere': {'run.json': GOOD, 'people': ...},
    'errors elsewhere': {'run.json': GOOD, 'errors': ...},
    'run a pipe': {'run.json': None},
    'run a text': {'run.json': b'evil'},
    'run deep': {'run.json': b'[' * 100_000},
    'run a list': {'run.json': []},
    'run of a list': {'run.json': dict(version=1, options=['a'])},
    'run of a number': {'run.json': dict(version=1, options=3)},
    'run of another version': {'run.json': dict(version='1', options={})},
    'run of others': {'run.json': dict(version=1, options=dict(model='other'))},
    'broken table': {'run.json': GOOD, f'pictures/{OWN}': b'evil'},
    'table a pipe': {'run.json': GOOD, f'pictures/{OWN}': None},
}
KEPT = {
    'notes beside a run': {'run.json': GOOD, 'people/notes.txt': b'mine', 'errors/mine.parquet': b'mine',
                           'attempts/first.txt': b'mine', 'pictures/b/c.txt': b'mine'},
}


def attacks():
    def attack(kind, name, action, make, *, passes=False, says=''):
        return Attack(kind, name, action, make, passes, says=says, needs='pyarrow')

    for name, content in TABLES.items():
        yield attack('tables of pictures', f'{name}.parquet', 'source', partial(with_content, content), says='.parquet')
    yield attack('tables of pictures', 'extension.parquet', 'source', with_extension, passes=True)
    for harmless, contents in ((False, SHARDS), (True, HARMLESS)):
        for name, content in contents.items():
            yield attack('shards of pictures', f'{name}.tar', 'source', partial(with_content, content), passes=harmless)
    for kind in ('pipe', 'link', 'device'):
        yield attack('tables of pictures', f'{kind}.parquet', 'source', partial(with_special, kind), says=kind)
        yield attack('shards of pictures', f'{kind}.tar', 'source', partial(with_special, kind), says=kind)
    for harmless, names in ((False, OUTSIDE), (True, INSIDE)):
        for label, name in names.items():
            yield attack('names of files in shards', f'{label}.tar', 'batch', partial(with_member, name), passes=harmless)
    for harmless, folders in ((False, RUNS), (True, KEPT)):
        for name, entries in folders.items():
            yield attack('folders of runs', name, 'run', partial(with_run, entries), passes=harmless, says=name)
