"""By what an edited input is known."""
import os
from pathlib import Path

import numpy as np

from mmqanet.apis.inputs import Picture
from mmqanet.apis.outputs import _file_state
from mmqanet.apis.videos import Video


def test_a_file_is_known_by_its_size_and_time_and_what_is_none_by_nothing(tmp_path):
    path = tmp_path / 'a.png'
    path.write_bytes(b'12345')
    os.utime(path, ns=(0, 1_234_567_890))
    assert _file_state(Picture(name='a', source='a', content=path)) == dict(bytes=5, modified=1234)
    assert _file_state(Video(name='a', source='a', handle=str(path))) == dict(bytes=5, modified=1234)
    for content in (tmp_path / 'none.png', Path('a\0b'), b'12345', np.zeros((2, 2, 3), np.uint8)):
        assert _file_state(Picture(name='a', source='a', content=content)) is None
    assert _file_state(Video(name='a', source='camera 0', handle=0)) is None
