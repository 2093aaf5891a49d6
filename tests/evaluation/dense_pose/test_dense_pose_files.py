"""Charts of detections in result files: round trips, and what errors say."""
import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from mmqanet.errors import DataError
from mmqanet.evaluation.dense_pose.result_files import _open_arrays, pack_charts, read_charts, read_results


def charts(*, first=24, others=255, shape=(3, 5, 4), dtype=np.uint8):
    """The given maximum of the chart, and of U and V."""
    made = np.random.default_rng(0).integers(0, 9, shape).astype(dtype)
    made[0].flat[7], made[1].flat[3], made[2].flat[5] = first, others, others
    return made


def test_charts_come_back_as_they_were(tmp_path):
    given = charts()
    np.testing.assert_array_equal(read_charts(dict(id=3, **pack_charts(given)), tmp_path / 'a.json'), given)


@pytest.mark.parametrize(('given', 'said'), [
    (charts(first=25, others=200), 'chart 25, and the last is 24'),
    (charts(shape=(3, 8)), 'charts of shape (3, 8) and type uint8, not (3, h, w) uint8'),
    (charts(shape=(4, 5, 4)), 'charts of shape (4, 5, 4) and type uint8'),
    (charts(dtype=np.int16), 'charts of shape (3, 5, 4) and type int16'), ([1, 2], 'the charts are no array')])
def test_charts_that_are_none_are_named(tmp_path, monkeypatch, given, said):
    monkeypatch.setattr('mmqanet.evaluation.dense_pose.result_files.unpack_charts', lambda record, where: given)
    with pytest.raises(DataError, match=re.escape(f'a.json: detections[2]: {said}')):
        read_charts(dict(id=3, uv_data=''), tmp_path / 'a.json')


def encoded(image, kind='PNG'):
    content = io.BytesIO()
    image.save(content, format=kind)
    return base64.b64encode(content.getvalue()).decode()


PLAIN = Image.new('RGB', (4, 5))


@pytest.mark.parametrize(('changes', 'said'), [
    (dict(uv_data='eA=='), 'uv_data is no PNG in base64'), (dict(uv_data='no base64'), 'uv_data is no PNG in base64'),
    (dict(uv_data=''), 'uv_data is no PNG in base64'), (dict(uv_data=7), 'uv_data is no PNG in base64'),
    (dict(uv_data=encoded(PLAIN)[:60]), 'uv_data is no PNG in base64'),
    (dict(uv_data=encoded(PLAIN, 'BMP')), 'uv_data is no PNG in base64'),
    (dict(uv_shape=7), 'uv_data is no PNG in base64'),
    (dict(uv_shape=[3, 4, 5]), 'uv_shape [3, 4, 5], but uv_data is 4x5 pixels'),
    (dict(uv_shape=None), 'uv_shape None, but uv_data is 4x5 pixels'),
    (dict(uv_data=encoded(PLAIN.convert('L'))), 'uv_data is a PNG of mode L, not of three channels'),
    (dict(uv_data=encoded(PLAIN.convert('RGBA'))), 'uv_data is a PNG of mode RGBA, not of three channels')])
def test_packed_charts_that_cannot_be_read_are_named(tmp_path, changes, said):
    record = dict(id=3, uv_shape=[3, 5, 4], uv_data=encoded(PLAIN)) | changes
    with pytest.raises(DataError, match=re.escape(f'a.json: detections[2]: {said}')):
        read_charts(record, tmp_path / 'a.json')


def test_charts_beside_the_list_that_cannot_be_read_are_named(tmp_path, monkeypatch):
    path, arrays = tmp_path / 'a.json', tmp_path / 'a_uv.npz'

    def complaint():
        with pytest.raises(DataError) as caught:
            read_charts(dict(id=3), path)
        arrays.unlink(missing_ok=True)
        _open_arrays.cache_clear()
        return str(caught.value)

    neither = f'{path}: detections[2]: neither uv_data nor det002 in {arrays}'
    assert complaint() == neither
    np.savez(arrays, det001=charts())
    assert complaint() == neither
    arrays.write_bytes(b'PK no archive')
    assert complaint().startswith(f'{arrays}: not readable as .npz (')
    for error, reason in ((ValueError('odd\nin two lines'), 'odd'), (ValueError(), 'ValueError')):
        def fail(*args, error=error, **options):
            raise error

        arrays.write_bytes(b'PK')
        with monkeypatch.context() as patch:
            patch.setattr(np, 'load', fail)
            assert complaint() == f'{arrays}: not readable as .npz ({reason})'
    with open(arrays, 'wb') as file:
        np.save(file, charts())
    assert complaint() == f'{arrays}: holds one array and no names'
    np.savez(arrays, det002=np.array([{}], dtype=object))
    assert complaint().startswith(f'{arrays}: det002 cannot be read (')


@pytest.mark.parametrize(('changes', 'said'), [
    (dict(score=None), "field 'score' is missing"), (dict(bbox=None), "field 'bbox' is missing"),
    (dict(image_id=None), "field 'image_id' is missing"), (dict(bbox=[1, 2, 0, 4]), 'bbox [1, 2, 0, 4] is empty'),
    (dict(bbox=[1, 2, 3, -4]), 'bbox [1, 2, 3, -4] is empty')])
def test_a_detection_that_lacks_something_is_named_by_its_place(tmp_path, changes, said):
    whole = dict(image_id=1, category_id=1, bbox=[1, 2, 3, 4], score=0.5)
    broken = {key: value for key, value in (whole | changes).items() if value is not None}
    path = tmp_path / 'a.json'
    path.write_text(json.dumps([whole, whole | dict(category_id=2), whole]))
    assert [record['id'] for record in read_results(path)] == [1, 3]
    path.write_text(json.dumps([whole, whole, broken]))
    with pytest.raises(DataError, match=re.escape(f'a.json: detections[2]: {said}')):
        read_results(path)
