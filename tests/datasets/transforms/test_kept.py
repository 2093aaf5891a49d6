"""``KeptPictures`` and ``KeptMaps`` give back exactly what they were given."""
import numpy as np
import pytest

from mmqanet.datasets.transforms.kept import KeptMaps, KeptPictures


def maps() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    blank = np.zeros((50, 40), np.uint8)
    window, corner = blank.copy(), blank.copy()
    window[7:31, 12:33] = np.repeat(rng.integers(0, 256, (24, 7)), 3, axis=1)
    corner[49, 39] = 255
    return dict(blank=blank, window=window, corner=corner, noise=rng.integers(0, 256, (50, 40)).astype(np.uint8),
                turned=window.T, uniform=np.full((400, 300), 3, np.uint8))


@pytest.mark.parametrize('name', maps())
def test_a_map_comes_back_as_it_was(name):
    kept, labels = KeptMaps(2**16), maps()[name]
    kept.add('key', labels)
    back = kept.get('key')
    assert back.dtype == np.uint8
    assert np.array_equal(back, labels)
    back[:] = 9  # whoever gets a map may change it
    assert np.array_equal(kept.get('key'), labels)
    assert kept.get('other') is None


def test_maps_are_kept_compactly():
    kept = KeptMaps(2**16)
    kept.add('key', maps()['uniform'])
    assert kept.store.bytes_used < 60


def test_a_picture_comes_back_as_it_was_and_cannot_be_changed():
    kept, pixels = KeptPictures(2**16), np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    for key, picture in dict(plain=pixels, mirrored=pixels[:, ::-1]).items():
        kept.add(key, picture)
        assert np.array_equal(kept.get(key), picture)
    assert kept.get('other') is None
    with pytest.raises(ValueError, match='read-only'):
        kept.get('plain')[0, 0] = 1
