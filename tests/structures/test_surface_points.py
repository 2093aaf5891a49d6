"""Annotations of dense pose: decoding, placing, mirroring; and the recorded targets of the original."""
import json

import cv2
import numpy as np
import pytest
from scipy.io import savemat

from mmqanet.errors import DataError
from mmqanet.functional.charts import MIRRORED_CHARTS, UVMirror
from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.rle import encode_rle
from mmqanet.structures.surface_points import SurfacePoints, check_box, mirror_part_map, place_part_map, read_part_map
from mmqanet.structures.uv_mirror import load_uv_mirror


def test_later_masks_cover_earlier_ones():
    first, third = np.zeros((2, 256, 256), bool)
    first[:100], third[50:] = True, True
    parts = read_part_map(dict(dp_masks=[encode_rle(first), [], encode_rle(third)]))
    assert np.unique(parts[:50]).tolist() == [1]
    assert np.unique(parts[50:]).tolist() == [3]


@pytest.mark.parametrize('box', [(10.7, 5.2, 30.6, 40.9), (-8.5, -3.2, 30, 30), (60.2, 40.1, 40, 40), (200, 200, 5, 5)])
def test_a_part_map_is_placed_without_being_squeezed(box):
    parts = np.arange(256 * 256).reshape(256, 256).astype(np.uint8)
    placed = place_part_map(parts, box, (60, 80))
    left, top = int(box[0]), int(box[1])
    width, height = int(box[0] + box[2]) - left, int(box[1] + box[3]) - top
    for y in range(60):
        for x in range(80):
            inside = 0 <= y - top < height and 0 <= x - left < width
            expected = parts[(y - top) * 256 // height, (x - left) * 256 // width] if inside else 0
            assert placed[y, x] == expected


def test_points_lie_in_their_box():
    points = SurfacePoints(*np.array([[0.0, 255], [0, 255], [1, 2], [0, 1], [0, 1]]))
    assert points.in_image((10, 20, 30, 40)).tolist() == [[10, 20], [40, 60]]
    assert points.take(np.array([1])).x.tolist() == [255]


def test_mirror_tables_are_read_once(tmp_path):
    tables = np.random.default_rng(0).random((2, 24, 256, 256)).astype(np.float32)
    cells = np.empty((2, 1, 24), object)
    for name, chart in np.ndindex(2, 24):
        cells[name, 0, chart] = tables[name, chart]
    path = tmp_path / 'UV_symmetry_transforms.mat'
    savemat(path, dict(U_transforms=cells[0], V_transforms=cells[1]))
    mirror = load_uv_mirror(path)
    assert (mirror.u == tables[0]).all()
    assert (mirror.v == tables[1]).all()
    assert load_uv_mirror(path) is mirror


def test_broken_mirror_tables_are_named(tmp_path):
    with pytest.raises(DataError, match='no such file'):
        load_uv_mirror(tmp_path / 'none.mat')
    savemat(tmp_path / 'few.mat', dict(U_transforms=np.zeros((3, 4, 4)), V_transforms=np.zeros((3, 4, 4))))
    with pytest.raises(DataError, match=r'few\.mat: U: tables of shape'):
        load_uv_mirror(tmp_path / 'few.mat')
    odd = np.empty((1, 2), object)
    odd[0] = [np.zeros((4, 4)), np.zeros((3, 4))]
    for cells in (odd, 'a text'):
        savemat(tmp_path / 'odd.mat', dict(U_transforms=cells, V_transforms=cells))
        with pytest.raises(DataError, match=r'odd\.mat: U_transforms is no list of tables \('):
            load_uv_mirror(tmp_path / 'odd.mat')
        load_uv_mirror.__globals__['_load'].cache_clear()


def test_a_box_of_more_than_twice_the_image_is_refused():
    check_box(dict(id=3, bbox=[-5, -5, 160, 120]), (60, 80))
    for box in ([0, 0, 161, 5], [0, 0, 5, 121]):
        with pytest.raises(DataError, match=r'annotation 3: bbox .* in an image of 80x60 \(width x height\)'):
            check_box(dict(id=3, bbox=box), (60, 80))


# -- recorded values ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope='module')
def recorded(golden_dir):
    folder = golden_dir / 'dense_and_masks'
    return json.loads((folder / 'uv_targets_a.json').read_text()), np.load(folder / 'uv_targets_a.npz')


def recorded_mirror(exponents):
    """The tables that the recordings were made with, from their recipe."""
    grid = np.arange(256) / 255
    v, u = np.meshgrid(grid, grid, indexing='ij')
    tables = []
    for chart in range(24):
        partner = MIRRORED_CHARTS[chart + 1] - 1
        x, y = u ** exponents[chart, 0], v ** exponents[chart, 1]
        x, y = (1 - y, 1 - x) if min(chart, partner) % 4 in (1, 2) else (1 - x, y)
        tables.append((x ** (1 / exponents[partner, 0]), y ** (1 / exponents[partner, 1])))
    return UVMirror(*(np.stack(part) for part in zip(*tables)))


def test_the_annotation_and_its_mirror_are_the_recorded_ones(recorded):
    given, arrays = recorded
    points, parts = SurfacePoints.read(given['annotation']), read_part_map(given['annotation'])
    mirror = recorded_mirror(np.array(given['symmetry_pq']))
    assert np.abs(mirror.u[:, ::17, ::17] - arrays['sym_U_sub17']).max() < 1e-12
    assert (parts == arrays['label_map_256']).all()
    assert (mirror_part_map(parts) == arrays['flip_ann_label_map_256']).all()
    mirrored = points.mirrored(mirror)
    for name, key in (('x', 'x'), ('y', 'y'), ('charts', 'I'), ('u', 'U'), ('v', 'V')):
        assert np.abs(getattr(mirrored, name) - arrays[f'flip_ann_{key}']).max() < 1e-12


def test_targets_in_crops_are_the_recorded_ones(recorded):
    given, arrays = recorded
    mirror = recorded_mirror(np.array(given['symmetry_pq']))
    width, height = given['image_wh']
    assert len(given['cases']) > 10
    for case in given['cases']:
        name = f'case{case["case"]:02d}'
        points, parts = SurfacePoints.read(given['annotation']), read_part_map(given['annotation'])
        if case['flip']:
            points, parts = points.mirrored(mirror), mirror_part_map(parts)
        *window, degrees = arrays[f'{name}_crop_box'].astype(float)
        crop = PersonCrop(centre=tuple(window[:2]), size=tuple(window[2:]), output_size=tuple(case['size']),
                          rotation=-degrees)
        spots = points.in_image(case['dp_box'])
        if case['mode'] == 'cv2':
            matrix = arrays[f'{name}_trans']
            ours = spots @ matrix[:, :2].T + matrix[:, 2]
        else:
            matrix, ours = crop.index_matrix(), crop.to_crop(spots)
        consistent = f'{name}_own_xy_consistent'  # the original turns the points of such crops the wrong way
        expected = arrays[consistent if consistent in arrays else f'{name}_uv'][:2]
        assert np.abs(ours.T - expected).max() < 3e-5
        placed = place_part_map(parts, case['dp_box'], (height, width))
        labels = cv2.warpAffine(placed, matrix, tuple(case['size']), flags=cv2.INTER_NEAREST)
        recorded_labels = arrays[f'{name}_S']
        differing = labels != recorded_labels  # where the nearest pixel is a tie, which OpenCV's releases break differently
        assert differing.mean() < 0.004
        beside = np.lib.stride_tricks.sliding_window_view(np.pad(recorded_labels, 1, mode='edge'), (3, 3)).reshape(-1, 9)
        assert (beside == labels.reshape(-1, 1)).any(1).all()


def test_the_mirror_of_predicted_maps_is_the_recorded_one(recorded):
    torch = pytest.importorskip('torch')
    given, arrays = recorded
    mirror = recorded_mirror(np.array(given['symmetry_pq']))
    u, v = mirror.maps(*(torch.from_numpy(arrays[f'tta_{key}']) for key in 'UV'))
    assert np.abs(u[:, 1:].numpy() - arrays['tta_flipped_U'][:, 1:]).max() < 1e-6
    assert np.abs(v[:, 1:].numpy() - arrays['tta_flipped_V'][:, 1:]).max() < 1e-6
