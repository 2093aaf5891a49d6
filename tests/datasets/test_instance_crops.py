"""Crops of annotated instances: what a sample holds, its mask, and that every broken thing is named."""
import json

import cv2
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from PIL import Image

from mmqanet.datasets import ClassBalancedDataset, InstanceCropDataset
from mmqanet.datasets.transforms.crop import warp
from mmqanet.errors import DataError, InputError
from mmqanet.functional.geometry import PersonCrop
from mmqanet.functional.rle import encode_rle
from mmqanet.structures.segmentation import decode_segmentation

TRAIN = [dict(type='LoadImage'), dict(type='LoadInstanceMask'), dict(type='BoxesToCrops', input_size=(24, 32), padding=1.0),
         dict(type='RandomCropFlip', prob=0.0), dict(type='WarpCrops'), dict(type='PackParsingInputs')]
TEST = [dict(type='LoadImage'), dict(type='BoxesToCrops', input_size=(24, 32)), dict(type='WarpCrops'),
        dict(type='PackParsingInputs')]


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmqanet'):
        yield


@pytest.fixture
def folder(tmp_path):
    """Two images; in the first a cat (run lengths), a dog (polygon), a crowd of dogs and a thing of another class."""
    (tmp_path / 'images').mkdir()
    for name in ('a', 'b'):
        Image.fromarray(np.full((40, 60, 3), 128, np.uint8)).save(tmp_path / f'images/{name}.jpg')
    mask = np.zeros((40, 60), np.uint8)
    mask[8:24, 10:22] = 1
    rows = [
        dict(id=1, category_id=7, bbox=[10, 8, 12, 16], segmentation=encode_rle(mask)),
        dict(id=2, category_id=3, bbox=[30, 4, 20, 30], segmentation=[[30, 4, 50, 4, 50, 34, 30, 34]]),
        dict(id=3, category_id=3, bbox=[0, 0, 60, 40], segmentation=encode_rle(mask), iscrowd=1),
        dict(id=4, category_id=9, bbox=[1, 1, 5, 5], segmentation=encode_rle(mask)),
        dict(id=5, category_id=3, bbox=[5, 5, 0, 9], segmentation=encode_rle(mask))]
    write(tmp_path, rows)
    return tmp_path


def write(folder, rows):
    content = dict(
        images=[dict(id=5, file_name='a.jpg', height=40, width=60), dict(id=6, file_name='b.jpg', height=40, width=60)],
        annotations=[dict(row, image_id=5) for row in rows],
        categories=[dict(id=3, name='dog'), dict(id=7, name='cat'), dict(id=9, name='cup')])
    (folder / 'truth.json').write_text(json.dumps(content))


def dataset(folder, **options):
    return InstanceCropDataset(**{
        'ann_file': 'truth.json', 'data_root': str(folder), 'data_prefix': dict(img='images'),
        'metainfo': dict(classes=('cat', 'dog')), 'pipeline': TEST if options.get('test_mode') else TRAIN, **options})


def test_training_yields_instances_with_class_and_mask(folder):
    pytest.importorskip('pycocotools')
    samples = list(dataset(folder))
    assert [sample['data_samples'].gt_instances.labels.tolist() for sample in samples] == [[0], [1]]
    assert samples[0]['inputs'].shape == (1, 3, 32, 24)
    mask = samples[0]['data_samples'].gt_sem_seg.data[0].numpy()
    assert mask.all()  # the cat is its box
    polygon = samples[1]['data_samples'].gt_sem_seg.data[0].numpy()
    assert set(np.unique(polygon)) == {0, 1}
    assert polygon.mean() == pytest.approx(20 / 22.5, abs=0.05)  # a box of 20 × 30 in a crop of 22.5 × 30


def test_testing_yields_images_with_annotated_boxes(folder):
    first, second = dataset(folder, test_mode=True)
    boxes = first['data_samples'].gt_instances
    assert boxes.bboxes.tolist() == [[10, 8, 22, 24], [30, 4, 50, 34]]
    assert (boxes.labels.tolist(), boxes.bbox_scores.tolist()) == ([0, 1], [1, 1])
    assert second['inputs'].shape[0] == len(second['data_samples'].gt_instances.bboxes) == 0


def test_detections_take_the_place_of_annotated_boxes(folder):
    found = [dict(image_id=6, category_id=3, bbox=[1, 2, 10, 20], score=0.75),
             dict(image_id=6, category_id=3, bbox=[1, 2, 10, 20], score=0.1),
             dict(image_id=6, category_id=9, bbox=[1, 2, 10, 20], score=0.9)]
    (folder / 'found.json').write_text(json.dumps(found))
    first, second = dataset(folder, test_mode=True, detection_file='found.json', detection_score_thr=0.5)
    assert len(first['data_samples'].gt_instances.bboxes) == 0
    boxes = second['data_samples'].gt_instances
    assert boxes.bboxes.tolist() == [[1, 2, 11, 22]]
    assert (boxes.labels.tolist(), boxes.bbox_scores.tolist()) == ([1], [0.75])


def test_what_is_wrong_is_named(folder):
    with pytest.raises(InputError, match='detection_file needs test_mode=True'):
        dataset(folder, detection_file='found.json')
    with pytest.raises(InputError, match='metainfo: classes are needed'):
        dataset(folder, metainfo=None)
    with pytest.raises(DataError, match=r"truth\.json: no category 'horse'"):
        dataset(folder, metainfo=dict(classes=('horse',)))
    write(folder, [dict(id=8, category_id=3, bbox=[1, 1, 5, 5])])
    with pytest.raises(DataError, match=r"truth\.json: annotation 8: field 'segmentation' is missing"):
        dataset(folder)
    for segmentation, message in (([[1, 2]], 'cannot be read'), (dict(size=[40, 60], counts='zz'), 'cannot be read'),
                                  (encode_rle(np.ones((5, 5))), r'cannot be read \(size: a mask of 5x5, and 40x60 is')):
        write(folder, [dict(id=8, category_id=3, bbox=[1, 1, 5, 5], segmentation=segmentation)])
        with pytest.raises(DataError, match=rf'truth\.json: annotation 8: segmentation {message}'):
            dataset(folder)[0]


def test_arguments_are_those_of_every_data_set(folder):
    assert dataset(folder, indices=[1]).get_data_info(0)['ann_ids'].tolist() == [2]
    assert dataset(folder, max_refetch=3).max_refetch == 3
    for serialized in (True, False):
        assert bool(len(dataset(folder, serialize_data=serialized).data_list)) != serialized
    for indices, message in (([9], 'beyond the 2 samples'), ([], 'takes no sample')):
        with pytest.raises(InputError, match=f'indices.*{message}'):
            dataset(folder, indices=indices)
    with pytest.raises(InputError, match=r"classes is the string 'cat'; a sequence of one is \('cat',\)"):
        dataset(folder, metainfo=dict(classes=('cat')))
    write(folder, [dict(id=8, category_id=3, bbox=[1, 1, 5, 5], iscrowd=1, segmentation=[])])
    with pytest.raises(DataError, match=r'truth\.json: annotations: nothing to train on'):
        dataset(folder)


def test_rare_classes_may_come_more_often(folder):
    balanced = ClassBalancedDataset(dataset=dataset(folder, test_mode=True), oversample_thr=1.0)
    assert balanced.dataset.get_cat_ids(0) == [0, 1]
    assert balanced.repeat_indices == [0, 0, 1]  # the classes of the first are in one image of two


def test_targets_agree_with_the_recorded_release(golden_dir):
    pytest.importorskip('pycocotools')
    folder = golden_dir / 'dense_and_masks'
    facts = json.loads((folder / 'mask_training_a.json').read_text())
    width, height = facts['image_wh']
    with np.load(folder / 'mask_training_a.npz') as arrays:
        for case in facts['cases']:
            name = f'case{case["case"]:02d}'
            out_width, out_height = case['size']
            expected = np.unpackbits(arrays[f'{name}_mask'])[:out_width * out_height].reshape(out_height, out_width)
            x, y, w, h, angle = arrays[f'{name}_crop_box'].tolist()
            turn = angle if case['mode'] == 'cv2' else -angle  # the release turns one the one way, the other the other
            crop = PersonCrop(centre=(width - x if case['flip'] else x, y), size=(w, h), output_size=(out_width, out_height),
                              rotation=-turn if case['flip'] else turn, flipped=case['flip'])
            mask = decode_segmentation(facts['polygons'][case['box']], (height, width))
            agreement = (warp(mask, crop, interpolation=cv2.INTER_NEAREST) == expected).mean()
            # cv2's mode puts pixel 0 half a pixel elsewhere.
            assert agreement >= (0.98 if case['mode'] == 'cv2' else 1), name
