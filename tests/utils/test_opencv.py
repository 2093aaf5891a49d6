"""OpenCV is silent where its complaints become errors of ours, and speaks again afterwards."""
import pytest

from mmqanet.utils import opencv


def fail_in_silence() -> None:
    with opencv.silent_opencv():
        assert opencv._get_level() == opencv.SILENT
        raise KeyError


def test_it_is_silent_only_for_a_while():
    level = opencv._get_level()
    assert level != opencv.SILENT
    with pytest.raises(KeyError):
        fail_in_silence()
    assert opencv._get_level() == level
