"""Tables of a distributed run: equal to what parse writes, resumable, and whole when workers are killed."""
import io
import json
import os
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pytest
from pictures import picture, save

from mmqanet.cli import ray_engine
from mmqanet.cli.main import main

pa = pytest.importorskip('pyarrow', reason='the extra mmqanet[ray] is not installed')
pytest.importorskip('fsspec', reason='the extra mmqanet[ray] is not installed')
import pyarrow.parquet as pq  # noqa: E402

from mmqanet.apis.batch import parsing  # noqa: E402
from mmqanet.apis.batch.files import PictureFiles, bases_of  # noqa: E402
from mmqanet.apis.batch.parsing import ParseIntoTables, ParsePictures  # noqa: E402
from mmqanet.apis.batch.store import RunFolder  # noqa: E402
from mmqanet.errors import DataError, InputError  # noqa: E402
from mmqanet.utils.digests import are_among, id_digests  # noqa: E402
from mmqanet.utils.picture_sources import list_sources, read_source  # noqa: E402

CALL = dict(boxes='image')


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / 'photos'
    for index in range(6):
        save(folder / f'{index}.png', picture(40 + index, 60))
    (folder / 'broken.jpg').write_bytes(b'nothing')
    return folder


@pytest.fixture
def model(small_parser):
    return dict(model=str(small_parser / 'config.py'), weights=str(small_parser / 'weights.pth'), device='cpu')


def batch_of(folder):
    contents = [row for address in list_sources([str(folder)]) for row in read_source(address)]
    return {key: [getattr(row, key) for row in contents] for key in ('picture', 'content', 'error')}


def table(out, name):
    return [row for file in sorted((out / name).glob('*.parquet')) for row in pq.read_table(file).to_pylist()]


def without_nothing(value):
    """Without the columns that a picture's JSON leaves out."""
    if isinstance(value, dict):
        return {key: without_nothing(inner) for key, inner in value.items() if inner is not None}
    return [without_nothing(inner) for inner in value] if isinstance(value, list) else value


def check_against_parse(out, photos, small_parser, folder):
    """Rows of people are those in the JSON files of parse, each once."""
    args = ['--config', str(small_parser / 'config.py'), '--checkpoint', str(small_parser / 'weights.pth')]
    assert main(['parse', str(photos), *args, '--out', str(folder), '--device', 'cpu', '--save', '--boxes', 'image']) == 1
    expected = [dict(person, picture=str(photos / f'{record["name"]}.png'), height=record['height'], width=record['width'])
                for record in (json.loads(path.read_text()) for path in sorted(folder.glob('*.json')))
                for person in record['people']]
    rows = sorted(table(out, 'people'), key=lambda row: (row['picture'], row['person']))
    assert len(rows) == len(expected) > 3
    for row, person in zip(rows, expected):
        assert row.pop('person') == person.pop('id')
        for part, other in zip(row['parts'], person['parts'], strict=True):
            assert part.pop('rle') == other.pop('rle')
            assert without_nothing(part) == pytest.approx(other, abs=1e-4)
        row.pop('parts'), person.pop('parts')
        assert row.pop('scores') == pytest.approx(person.pop('scores'), abs=1e-4)
        assert row.pop('box') == person.pop('box')
        assert without_nothing(row) == pytest.approx(person, abs=1e-4)


def test_the_tables_of_a_batch_hold_what_parse_writes(photos, model, small_parser, tmp_path):
    out = tmp_path / 'out'
    RunFolder(str(out)).start({})
    counts = ParseIntoTables(str(out), model, CALL, 4)(batch_of(photos))
    check_against_parse(out, photos, small_parser, tmp_path / 'parsed')
    assert [row['picture'] for row in table(out, 'pictures')] == [str(photos / f'{index}.png') for index in range(6)]
    assert {row['crop_sampler'] for row in table(out, 'pictures')} == {'warp'}
    error, = table(out, 'errors')
    assert error['picture'] == str(photos / 'broken.jpg')
    assert 'broken.jpg: not readable as an image' in error['error']
    assert counts == dict(people=[len(table(out, 'people'))], pictures=[6], errors=[1])
    notes = pq.read_schema(next((out / 'people').iterdir())).metadata
    assert notes[b'mmqanet.version'] == b'1'
    assert not list((out / 'attempts').iterdir())


def test_duckdb_and_pandas_read_them(photos, model, tmp_path):
    duckdb, pandas = pytest.importorskip('duckdb'), pytest.importorskip('pandas')
    out = tmp_path / 'out'
    RunFolder(str(out)).start({})
    ParseIntoTables(str(out), model, CALL, 4)(batch_of(photos))
    expected = [(row['picture'], part['name'], part['quality'], part['rle']['counts'])
                for row in table(out, 'people') for part in row['parts']]
    found = duckdb.sql(f"""select picture, part.name, part.quality, part.rle.counts
        from (select picture, unnest(parts) as part from '{out}/people/*.parquet')""").fetchall()
    assert sorted(found) == sorted(expected)
    people = pandas.read_parquet(out / 'people')
    assert sorted(part['name'] for parts in people['parts'] for part in parts) == sorted(row[1] for row in expected)


def test_a_row_a_picture_comes_back_from_the_callable(photos, model):
    rows = ParsePictures(model, CALL)(batch_of(photos)).to_pylist()
    assert [row['picture'] for row in rows] == batch_of(photos)['picture']
    assert [row['error'] is None for row in rows] == [True] * 6 + [False]
    assert all(row['people'] for row in rows[:6])


def test_a_batch_parsed_again_doubles_nothing(photos, model, tmp_path):
    out = tmp_path / 'out'
    RunFolder(str(out)).start({})
    worker = ParseIntoTables(str(out), model, CALL, 4)
    first = worker(batch_of(photos)), table(out, 'people')
    assert (worker(batch_of(photos)), table(out, 'people')) == first


def test_a_picture_that_ends_its_worker_is_an_error_and_the_others_are_parsed(photos, model, tmp_path, monkeypatch):
    out, poison = tmp_path / 'out', str(photos / '3.png')
    RunFolder(str(out)).start({})

    class Killed(BaseException):
        pass

    def rows(self, batch):
        if poison in batch['picture']:
            raise Killed
        return parse(self, batch)

    parse = ParsePictures.rows
    monkeypatch.setattr(parsing.ParsePictures, 'rows', rows)
    worker = ParseIntoTables(str(out), model, CALL, 4)
    for _ in range(3):
        with pytest.raises(Killed):
            worker(batch_of(photos))
    worker(batch_of(photos))
    assert len(table(out, 'pictures')) == 5
    assert table(out, 'errors')[0]['error'] == \
        f'{poison}: ended the worker that parsed it, perhaps for lack of memory'
    assert not list((out / 'attempts').iterdir())


def test_the_files_of_parse_lie_beside_the_tables(photos, model, small_parser, tmp_path):
    out, kinds = tmp_path / 'out', ['overlay', 'palette', 'parts', 'submission']
    RunFolder(str(out)).start({})
    files = PictureFiles(folder=out / 'files', bases=[str(photos)], kinds=kinds)
    worker = ParseIntoTables(str(out), model, CALL, 4, files)
    first = worker(batch_of(photos)), contents(out / 'files')
    assert (worker(batch_of(photos)), contents(out / 'files')) == first
    args = ['--config', model['model'], '--checkpoint', model['weights'], '--out', str(tmp_path / 'parsed')]
    main(['parse', str(photos), *args, '--device', 'cpu', '--save', *kinds, '--boxes', 'image'])
    expected = {name: content for name, content in contents(tmp_path / 'parsed').items() if not name.endswith('.json')}
    found = {name.replace('.png', '', 1): content for name, content in first[1].items() if not name.endswith('.json')}
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name] and not name.endswith('.txt')] == []
    record = json.loads((out / 'files/0.png.json').read_text())
    assert record['files']['overlay'] == ['0.png_overlay.jpg']
    assert len(list((out / 'files').glob('*.json'))) == 6


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()}


def test_a_picture_whose_files_cannot_be_written_is_an_error(photos, model, tmp_path):
    out = tmp_path / 'out'
    RunFolder(str(out)).start({})
    (out / 'files/3.png.json').mkdir(parents=True)
    files = PictureFiles(folder=out / 'files', bases=[str(photos)], kinds=['palette'])
    assert ParseIntoTables(str(out), model, CALL, 4, files)(batch_of(photos))['pictures'] == [5]
    assert '3.png.json: cannot be written (it is a folder)' in '\n'.join(row['error'] for row in table(out, 'errors'))


def test_files_are_called_by_what_follows_the_input(tmp_path):
    bases = bases_of(['/a', '/a/b', '/c/x.jpg', '/c/s.tar', 's3://bucket/d'], ['/c/x.jpg', '/c/s.tar'])
    files = PictureFiles(folder=tmp_path, bases=bases, kinds=[])
    ids = '/a/1.jpg', '/a/b/1.png', '/c/x.jpg', '/c/s.tar/k/2', '/c/t.parquet#7', 's3://bucket/d/e/1.jpg'
    assert [files.name(picture) for picture in ids] == ['1.jpg', '1.png', 'x.jpg', 's.tar/k/2', 't.parquet#7', 'e/1.jpg']
    files.check(ids)
    with pytest.raises(InputError, match=r'/a/1\.jpg and /a/b/1\.jpg would both be written to'):
        files.check([*ids, '/a/b/1.jpg'])


def test_a_torn_batch_goes_when_the_run_goes_on_and_errors_are_tried_again(photos, model, tmp_path):
    out = tmp_path / 'out'
    folder = RunFolder(str(out))
    folder.start(dict(model='a'))
    ParseIntoTables(str(out), model, CALL, 4)(batch_of(photos))
    torn, notes = out / f'people/{"0" * 32}.parquet', out / 'people/notes.txt'
    torn.write_bytes(next((out / 'people').iterdir()).read_bytes())
    notes.write_text('mine')
    (out / 'files/.part_0123456789ab').mkdir(parents=True)
    folder.start(dict(model='a'))
    assert not torn.exists()
    assert not list((out / 'files').iterdir())
    assert notes.read_text() == 'mine'
    assert not list((out / 'errors').iterdir())
    pictures = batch_of(photos)['picture']
    assert are_among(pictures, folder.finished()).tolist() == [True] * 6 + [False]
    assert not are_among(pictures, id_digests([])).any()


@pytest.mark.parametrize(('content', 'told'), [
    (dict(version=0, options={}), 'tables of version 0, but this program writes version 1'),
    (dict(version=1, options=dict(model='b')), 'a run with another model'),
    ([], 'not readable as the file of a run')])
def test_a_folder_of_another_run_is_refused(tmp_path, content, told):
    (tmp_path / 'run.json').write_text(json.dumps(content))
    with pytest.raises(InputError, match=told):
        RunFolder(str(tmp_path)).start(dict(model='a'))


def test_an_unreadable_table_of_the_run_is_named(tmp_path):
    folder = RunFolder(str(tmp_path))
    folder.start({})
    (tmp_path / 'pictures').mkdir()
    (tmp_path / f'pictures/{"0" * 32}.parquet').write_bytes(b'PAR1')
    with pytest.raises(DataError, match=r'0\.parquet: not readable'):
        folder.finished()


def test_other_file_systems_hold_a_run():
    folder = RunFolder('memory://run')
    folder.start({})
    with folder.attempt('x') as earlier:
        assert earlier == 0
    folder.start({})
    assert len(folder.finished()) == 0


def test_shards_and_tables_yield_their_pictures_and_what_lacks_one(photos, tmp_path):
    png = (photos / '0.png').read_bytes()
    with tarfile.open(tmp_path / 'a.tar', 'w') as shard:
        for name, content in (('x/1.png', png), ('x/1.json', b'{}'), ('x/2.json', b'{}'), ('x/3.seg.txt', b''),
                              ('x/3.png', png)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            shard.addfile(member, io.BytesIO(content))
    pq.write_table(pa.table(dict(image=[dict(bytes=png, path='p'), None])), tmp_path / 'b.parquet')
    (tmp_path / 'c.parquet').write_bytes(b'PAR1')
    pq.write_table(pa.table(dict(name=['a'])), tmp_path / 'd.parquet')
    rows = [row for name in ('a.tar', 'b.parquet', 'c.parquet', 'd.parquet', 'gone.png')
            for row in read_source(str(tmp_path / name))]
    assert [row.picture.removeprefix(f'{tmp_path}/') for row in rows] == [
        'a.tar/x/1', 'a.tar/x/2', 'a.tar/x/3', 'b.parquet#0', 'b.parquet#1', 'c.parquet', 'd.parquet', 'gone.png']
    assert [row.content for row in rows] == [png, None, png, png, None, None, None, None]
    told = [row.error for row in rows if row.error]
    assert ['no picture in this row' in error for error in told] == [True, True, False, False, False]
    assert 'no column image or' in told[3]


def test_a_shard_that_ends_early_or_vanishes_keeps_what_was_read(photos, tmp_path, monkeypatch):
    png = (photos / '0.png').read_bytes()
    with tarfile.open(tmp_path / 'whole.tar', 'w') as shard:
        for name in ('1.png', '2.png'):
            shard.add(photos / '0.png', name)
    content = (tmp_path / 'whole.tar').read_bytes()
    with tarfile.open(tmp_path / 'whole.tar') as shard:
        second = shard.getmembers()[1]
    (tmp_path / 'short.tar').write_bytes(content[:second.offset_data + 100])
    *read, last = read_source(str(tmp_path / 'short.tar'))
    assert (last.picture, last.content) == (str(tmp_path / 'short.tar'), None)
    assert 'short.tar: not readable' in last.error
    assert [row.content for row in read] == [png]

    class Gone(io.BytesIO):
        def read(self, size=-1):
            if self.tell():
                raise OSError(116, 'Stale file handle')
            return super().read(size)

    monkeypatch.setattr('mmqanet.utils.picture_sources.fsspec.open', lambda address, mode: Gone(content))
    *_, last = read_source('s3://share/a.tar')
    assert last == ('s3://share/a.tar', None, 's3://share/a.tar: not readable ([Errno 116] Stale file handle)')


def test_processes_that_read_need_no_torch():
    """Each would hold hundreds of megabytes of it."""
    code = 'import sys, mmqanet.utils.picture_sources; assert not {"torch", "mmengine"} & set(sys.modules)'
    subprocess.run([sys.executable, '-c', code], check=True, env=dict(os.environ, PYTHONPATH=str(Path(__file__).parents[2])))


def test_workers_get_absolute_paths_and_the_numbers_are_told(photos, model, tmp_path, monkeypatch, capsys):
    from mmqanet.apis.batch import engine

    jobs = []

    def run_job(job, cluster, *, options):
        jobs.append((job, cluster, options))
        yield from (Counter(pictures=1, people=2), Counter(errors=1))

    monkeypatch.setattr(engine, 'connect', lambda cluster: None)
    monkeypatch.setattr(engine, 'run_job', run_job)
    monkeypatch.setattr(ray_engine, 'PAUSE', 0)
    monkeypatch.chdir(tmp_path)
    config = os.path.relpath(model['model'])
    command = ['parse', 'photos', '--engine', 'ray', '--config', config, '--checkpoint', model['weights'],
               '--ray-workers', '3', '--ray-cpus', '2', '--device', 'cpu', '--boxes', 'image', '--out', 'out']
    assert main(command) == 1
    assert capsys.readouterr().out.splitlines() == [
        'so far 1 picture, 2 people, 0 errors', 'so far 1 picture, 2 people, 1 error', '1 picture, 2 people, 1 error -> out']
    (job, cluster, options), = jobs
    assert job.files is None
    assert job.sources[0] == str(photos / '0.png')
    assert (job.out, job.model['model']) == (str(tmp_path / 'out'), model['model'])
    assert (cluster.workers, cluster.cpus, cluster.gpus, options['people']) == (3, 2, 0, 'image')
    assert main([*command, '--save', 'palette', '--alpha', '0.5', '--pictures-per-table', '9']) == 1
    assert (jobs[1][0].pictures_per_table, job.pictures_per_table, job.batch_size) == (9, None, 4)
    assert jobs[1][0].files.name(job.sources[0]) == '0.png'
    assert (jobs[1][0].files.kinds, jobs[1][2]['save'], jobs[1][2]['overlay']['alpha']) == (['palette'], ['palette'], 0.5)
    assert main([*command, '--track']) != 0
    assert '--track is not for --engine ray' in capsys.readouterr().err
    assert len(jobs) == 2


def test_nothing_to_parse_is_said(tmp_path):
    for address, told in ((tmp_path, 'no pictures, .parquet or .tar'), (tmp_path / 'none', 'not found')):
        with pytest.raises(InputError, match=told):
            list_sources([str(address)])


def test_a_killed_actor_loses_and_doubles_nothing(photos, model, small_parser, tmp_path, monkeypatch, capsys):
    ray = pytest.importorskip('ray', reason='the extra mmqanet[ray] is not installed')
    from killed_actors import KillsOneActor

    from mmqanet.apis.batch import engine

    monkeypatch.setattr(engine, 'ParseIntoTables', KillsOneActor)
    tests = str(Path(__file__).parents[1])  # where the workers look for the class
    monkeypatch.setenv('PYTHONPATH', os.pathsep.join([tests, *filter(None, [os.environ.get('PYTHONPATH')])]))
    out = tmp_path / 'out'
    command = ['parse', str(photos), '--engine', 'ray', '--ray-workers', '2', '--config', model['model'], '--checkpoint',
               model['weights'], '--device', 'cpu', '--boxes', 'image', '--batch-size', '1', '--out', str(out)]
    try:
        assert main(command) == 1  # of the broken picture
        assert (out / 'killed').exists()
        assert Counter(row['picture'] for row in table(out, 'pictures')) == {
            str(photos / f'{index}.png'): 1 for index in range(6)}
        check_against_parse(out, photos, small_parser, tmp_path / 'parsed')
        people = table(out, 'people')
        capsys.readouterr()
        assert main(command) == 1
        assert '0 pictures, 0 people, 1 error' in capsys.readouterr().out
        assert table(out, 'people') == people
    finally:
        ray.shutdown()
