"""What is opened as a video, by how it begins."""
import cv2
import numpy as np
import pytest

from mmqanet.utils.containers import HEAD, is_container


@pytest.mark.parametrize(('suffix', 'codec'), [
    ('.mp4', 'mp4v'), ('.mov', 'mp4v'), ('.avi', 'MJPG'), ('.mkv', 'MJPG'), ('.mpg', 'PIM1'), ('.ts', 'mp2v'),
    ('.m2ts', 'mp2v'), ('.flv', 'FLV1'), ('.wmv', 'WMV2'), ('.m4v', 'mp4v'), ('.3gp', 'mp4v'), ('.webm', 'VP80'),
    ('.ogv', 'THEO')])
def test_videos_are_known_by_how_they_begin(tmp_path, suffix, codec):
    path = tmp_path / f'film{suffix}'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), 25, (64, 48))
    for _ in range(5):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    if not path.is_file() or path.stat().st_size < 500:
        pytest.skip('this OpenCV does not write such files')
    assert is_container(path.read_bytes()[:HEAD])


@pytest.mark.parametrize('head', [b'', b'#EXTM3U\n#EXT-X-VERS', b'ffconcat version', b'v=0\no=- 0 0 IN', b'<?xml version="',
                                  b'\xef\xbb\xbf#EXTM3U\n', b'%!PS-Adobe-3.0 E', b'\x89PNG\r\n\x1a\n'])
def test_lists_of_other_files_are_not(head):
    assert not is_container(head)
