"""Dense pose annotations on their way into a crop."""
import json

import numpy as np
import pytest
from scipy.io import savemat

from mmqanet.datasets.transforms import LoadSurface, WarpCrops, WarpSurfacePoints
from mmqanet.errors import DataError, InputError
from mmqanet.functional.charts import MIRRORED_CHARTS, MIRRORED_PARTS
from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.rle import encode_rle


def annotation(seed=0, number=40, box=(20.0, 10.0, 60.0, 80.0)):
    rng = np.random.default_rng(seed)
    masks = []
    for part in range(14):
        mask = np.zeros((256, 256), bool)
        mask[18 * part:18 * part + 18, 40:216] = True
        masks.append(encode_rle(mask) if part != 5 else [])
    x, y = rng.uniform(0, 255, (2, number)).tolist()
    u, v = rng.uniform(0, 1, (2, number)).tolist()
    charts = rng.integers(1, 25, number).tolist()
    return dict(id=7, bbox=list(box), dp_masks=masks, dp_x=x, dp_y=y, dp_I=charts, dp_U=u, dp_V=v)


@pytest.fixture
def mirror_file(tmp_path):
    """Tables by which U and V change places."""
    v, u = np.meshgrid(np.arange(256) / 255, np.arange(256) / 255, indexing='ij')
    cells = {}
    for name, table in (('U_transforms', v), ('V_transforms', u)):
        cells[name] = np.empty((1, 24), dtype=object)
        for chart in range(24):
            cells[name][0, chart] = table
    savemat(tmp_path / 'mirror.mat', cells)
    return str(tmp_path / 'mirror.mat')


def warped(crop, **options):
    results = dict(dense_pose=annotation(), ori_shape=(100, 110), img=np.zeros((100, 110, 3), np.uint8), crops=[crop])
    return WarpSurfacePoints(**options)(WarpCrops()(LoadSurface()(results)))


@pytest.mark.parametrize('degrees', [0.0, 35.0])
def test_points_lie_where_the_pixels_do(degrees):
    crop = PersonCrop.from_box((20, 10, 80, 90), output_size=(48, 64)).rotated(degrees)
    results = warped(crop)
    points = results['gt_points']
    parts = results['gt_seg_map']
    x, y = (np.array(annotation()[key]) / 255 for key in ('dp_x', 'dp_y'))
    image_places = np.stack([x * 60 + 20, y * 80 + 10], axis=1)
    np.testing.assert_allclose(points['xy'], crop.to_crop(image_places), atol=1e-4)
    columns, rows = np.floor(points['xy']).astype(int).T
    inside = (columns >= 0) & (columns < 48) & (rows >= 0) & (rows < 64)
    label = results['gt_map'][image_places[:, 1].astype(int), image_places[:, 0].astype(int)]
    assert (parts[rows[inside], columns[inside]] == label[inside]).mean() > 0.8  # rounded twice at the seams


def test_a_mirrored_crop_mirrors_parts_points_and_coordinates(mirror_file):
    crop = PersonCrop.from_box((20, 10, 80, 90), output_size=(48, 64))
    plain, mirrored = warped(crop), warped(crop.mirrored(), uv_mirror=mirror_file)
    np.testing.assert_array_equal(mirrored['gt_seg_map'], MIRRORED_PARTS[plain['gt_seg_map'][:, ::-1]])
    before, after = plain['gt_points'], mirrored['gt_points']
    np.testing.assert_allclose(after['xy'], np.stack([47 - before['xy'][:, 0], before['xy'][:, 1]], axis=1), atol=1e-3)
    np.testing.assert_array_equal(after['charts'], MIRRORED_CHARTS[before['charts']])
    np.testing.assert_allclose(after['uv'], np.floor(255 * before['uv'][:, ::-1]) / 255, atol=1e-6)


def test_mirrors_need_their_tables():
    with pytest.raises(InputError, match='needs uv_mirror'):
        warped(PersonCrop.from_box((20, 10, 80, 90), output_size=(48, 64)).mirrored())


def test_faulty_annotations_are_named():
    broken = annotation()
    broken['dp_U'][3] = 1.5
    with pytest.raises(DataError, match=r'annotation 7: dp_U 1\.5 lies outside'):
        LoadSurface()(dict(dense_pose=broken, ori_shape=(100, 110)))


def test_points_agree_with_the_release(golden_dir):
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'uv_targets_a.json').read_text())
    compared = 0
    with np.load(folder / 'uv_targets_a.npz') as arrays:
        for case in facts['cases']:
            key = f'case{case["case"]:02d}'
            if case['flip'] or case['mode'] != 'roi_align' or f'{key}_crop_box' not in arrays:
                continue
            x, y, width, height, degrees = arrays[f'{key}_crop_box'].tolist()
            crop = PersonCrop(centre=(x, y), size=(width, height), output_size=tuple(case['size']), rotation=-degrees)
            given = {**facts['annotation'], 'id': 1, 'bbox': case['dp_box']}
            results = LoadSurface()(dict(dense_pose=given, ori_shape=(240, 200)))
            results.update(crops=[crop], img=np.zeros((240, 200, 3), np.uint8))
            results = WarpSurfacePoints()(WarpCrops()(results))
            consistent = f'{key}_own_xy_consistent'
            expected = arrays[consistent] if consistent in arrays else arrays[f'{key}_uv'][:2]
            np.testing.assert_allclose(results['gt_points']['xy'].T, expected, atol=1e-3)
            assert (results['gt_seg_map'] == arrays[f'{key}_S']).mean() > 0.98
            compared += 1
    assert compared >= 3
