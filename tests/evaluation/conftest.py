"""Scenes written to disk as a prepared split and as a submission."""
from pathlib import Path

import pytest
from evaluation_files import write_prediction, write_truth
from scenes import Scene, random_scenes


@pytest.fixture
def scenes() -> list[Scene]:
    """Ten images in three sub-folders, some of them without prediction."""
    scenes = random_scenes(10, first_seed=40)
    assert 0 < sum(not len(scene.people) for scene in scenes) < 5
    return scenes


@pytest.fixture
def folders(tmp_path: Path, scenes: list[Scene]) -> tuple[Path, Path]:
    """The scenes on disk: the submission and the split."""
    for scene in scenes:
        write_truth(tmp_path / 'gt', scene)
        write_prediction(tmp_path / 'pred', scene)
    return tmp_path / 'pred', tmp_path / 'gt'
