"""Charts of detections in result files: round trips, and what errors say."""
import re

import numpy as np
import pytest

from mmqanet.errors import DataError
from mmqanet.evaluation.dense_pose.result_files import pack_charts, read_charts


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
