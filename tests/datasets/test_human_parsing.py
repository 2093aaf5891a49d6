"""Reading people: what a sample holds, what is skipped, and that every broken thing is named."""
import json
import logging

import numpy as np
import pytest
from mmcv.transforms import BaseTransform
from mmengine.logging import MMLogger
from mmengine.registry import DefaultScope
from PIL import Image

from mmqanet.datasets import CIHPDataset, ClassBalancedDataset, HumanParsingDataset, PascalPersonPartDataset, SeededIndex
from mmqanet.errors import DataError, InputError
from mmqanet.registry import DATASETS, TRANSFORMS
from mmqanet.utils.images import read_image

LOAD_PERSON = [dict(type='LoadImage'), dict(type='LoadPersonMap')]
LOAD_IMAGE = [dict(type='LoadImage'), dict(type='LoadImageMaps')]


@TRANSFORMS.register_module()
class RandomNumber(BaseTransform):
    """Adds what an augmentation would draw."""

    def transform(self, results: dict) -> dict:
        return dict(results, drawn=np.random.random())


@pytest.fixture(autouse=True)
def scope():
    with DefaultScope.overwrite_default_scope('mmqanet'):
        yield


def test_training_yields_people(tiny):
    dataset = CIHPDataset(**tiny.args())
    assert len(dataset) == 3
    info = dataset.get_data_info(1)
    assert info['bboxes'].tolist() == [[35, 10, 50, 35]]
    assert (info['parsing_ids'].tolist(), info['ann_ids'].tolist()) == ([2], [12])
    assert info['name'] == 'pic1'
    assert info['flip_pairs'] == CIHPDataset.METAINFO['flip_pairs']


def test_testing_yields_images_with_all_their_boxes(tiny):
    dataset = CIHPDataset(**tiny.args(test_mode=True))
    assert [len(dataset.get_data_info(i)['bboxes']) for i in range(len(dataset))] == [2, 1]
    assert dataset.get_data_info(0)['bbox_scores'].tolist() == [1, 1]


def test_training_yields_whole_images_where_asked(tiny):
    tiny.content['annotations'] = [a for a in tiny.content['annotations'] if a['image_id'] == 1]
    tiny.write()
    dataset = CIHPDataset(**tiny.args(per_person=False, pipeline=LOAD_IMAGE))
    assert len(dataset) == 1  # nobody is in the second
    assert dataset[0]['bboxes'].shape == (2, 4)
    assert dataset[0]['human_map'].max() == 2
    tiny.save('Category_ids/pic1.png', np.full((40, 60), 77, np.uint8))
    with pytest.raises(DataError, match=r'label 77 .*\(image 1 of'):
        dataset[0]


def test_parsers_that_find_people_are_tested_without_boxes(tiny, tmp_path):
    info = CIHPDataset(**tiny.args(test_mode=True, annotated_boxes=False)).get_data_info(0)
    assert not {'bboxes', 'bbox_scores', 'parsing_ids'} & set(info)
    assert len(CIHPDataset(**tiny.args(annotated_boxes=False)).get_data_info(0)['bboxes']) == 1  # training needs them
    (tmp_path / 'boxes.json').write_text(json.dumps([dict(image_id=1, category_id=1, bbox=[1, 2, 10, 20], score=0.9)]))
    given = CIHPDataset(**tiny.args(test_mode=True, annotated_boxes=False, detection_file='boxes.json'))
    assert given.get_data_info(0)['bboxes'].tolist() == [[1, 2, 11, 22]]


def test_detections_replace_the_annotated_boxes(tiny, tmp_path):
    detections = [
        dict(image_id=1, category_id=1, bbox=[1, 2, 10, 20], score=0.9),
        dict(image_id=1, category_id=1, bbox=[2, 2, 10, 20], score=0.05),
        dict(image_id=1, category_id=7, bbox=[3, 2, 10, 20], score=0.9),
    ]
    (tmp_path / 'boxes.json').write_text(json.dumps(detections))
    dataset = CIHPDataset(**tiny.args(test_mode=True, detection_file='boxes.json', detection_score_thr=0.1))
    first, second = dataset.get_data_info(0), dataset.get_data_info(1)
    assert first['bboxes'].tolist() == [[1, 2, 11, 22]]
    assert first['bbox_scores'] == pytest.approx([0.9])
    assert second['bboxes'].shape == (0, 4)


def test_an_images_people_have_their_own_label_maps(tiny):
    dataset = CIHPDataset(**tiny.args(pipeline=LOAD_PERSON))
    first, second = dataset[0]['gt_map'], dataset[1]['gt_map']
    assert (first > 0).sum() == 20 * 30
    assert (second > 0).sum() == 15 * 25
    assert not ((first > 0) & (second > 0)).any()


def test_without_human_maps_all_labels_are_the_one_persons(tiny):
    args = tiny.args(pipeline=LOAD_PERSON)
    args['data_prefix'] = dict(img='Images', category='Category_ids')
    assert (CIHPDataset(**args)[0]['gt_map'] > 0).sum() == 20 * 30 + 15 * 25


def test_ground_truth_maps_of_an_image(tiny):
    sample = CIHPDataset(**tiny.args(pipeline=LOAD_IMAGE, test_mode=True))[0]
    assert sample['gt_parts'].tolist() == [[14, 14, 1], [15, 15, 1], [34, 14, 2], [35, 15, 2]]
    assert sorted(np.unique(sample['part_map'])) == [0, 14, 15, 34, 35]
    assert sample['human_map'].max() == 2


def test_labels_of_ones_own_need_no_python(tiny):
    meta = dict(classes=[str(i) for i in range(16)], palette=[[i, i, i] for i in range(16)], flip_pairs=[[14, 15]])
    dataset = HumanParsingDataset(**tiny.args(metainfo=meta, pipeline=LOAD_PERSON))
    assert dataset[0]['gt_map'].max() == 15
    meta = {**meta, 'classes': meta['classes'][:-1], 'palette': meta['palette'][:-1], 'flip_pairs': []}
    with pytest.raises(DataError, match=r'Category_ids/pic1\.png: label 15 is out of range for 15 classes'):
        HumanParsingDataset(**tiny.args(metainfo=meta, pipeline=LOAD_PERSON))[0]


def test_archives_prepared_by_others_load_as_they_are(tiny, tmp_path):
    """As the authors of the paper publish them: polygons, areas of polygons, names with sub-folders, Testing."""
    for image in tiny.content['images']:
        image['file_name'] = f'day1/{image["file_name"]}'
    for person in tiny.content['annotations']:
        x, y, w, h = person['bbox']
        person.update(segmentation=[[x, y, x + w, y, x + w, y + h, x, y + h]], area=w * h - 0.5)
    tiny.content['info'] = {}
    tiny.write()
    for kind in ('Images', 'Category_ids', 'Human_ids'):
        (tmp_path / 'Testing' / kind).mkdir(parents=True)
        (tmp_path / kind).rename(tmp_path / 'Testing' / kind / 'day1')
    meta = dict(classes=[str(i) for i in range(16)], palette=[[i, i, i] for i in range(16)])
    prefix = dict(img='Testing/Images', category='Testing/Category_ids', human='Testing/Human_ids')
    people = PascalPersonPartDataset(**tiny.args(metainfo=meta, data_prefix=prefix, pipeline=LOAD_PERSON))
    assert [np.count_nonzero(person['gt_map']) for person in people] == [20 * 30, 15 * 25, 30 * 30]


def test_crowds_are_no_training_samples(tiny):
    tiny.content['annotations'][0]['iscrowd'] = 1
    tiny.write()
    assert len(CIHPDataset(**tiny.args())) == 2


@pytest.mark.parametrize('box', [[5, 5, 0, 10], [5, 5, 10, -1], [60, 5, 10, 10], [-20, 5, 10, 10]])
def test_unusable_boxes_are_named_or_skipped(tiny, box, caplog):
    tiny.content['annotations'][1]['bbox'] = box
    tiny.write()
    with pytest.raises(DataError, match=r'tiny\.json: annotation 12: bbox'):
        CIHPDataset(**tiny.args())
    with caplog.at_level(logging.WARNING, MMLogger.get_current_instance().name):
        MMLogger.get_current_instance().addHandler(caplog.handler)
        dataset = CIHPDataset(**tiny.args(on_invalid='skip'))
    assert len(dataset) == 2
    skipped, = [record.message for record in caplog.records if 'skipped' in record.message]
    assert 'skipped 1 box, the first: ' in skipped
    assert 'annotation 12' in skipped
    caplog.clear()
    tiny.content['annotations'][2]['bbox'] = box
    tiny.write()
    with caplog.at_level(logging.WARNING, MMLogger.get_current_instance().name):
        assert len(CIHPDataset(**tiny.args(on_invalid='skip'))) == 1
    skipped, = [record.message for record in caplog.records if 'skipped' in record.message]
    assert 'skipped 2 boxes, the first: ' in skipped
    assert 'annotation 12' in skipped
    assert 'annotation 21' not in skipped


def break_missing_image(tiny):
    (tiny.root / 'Images/pic1.png').unlink()
    return r'Images/pic1\.png: no such file'


def break_truncated_image(tiny):
    path = tiny.root / 'Images/pic1.png'
    path.write_bytes(path.read_bytes()[:2000])
    return r'Images/pic1\.png: not readable as an image'


def break_missing_map(tiny):
    (tiny.root / 'Category_ids/pic1.png').unlink()
    return r'Category_ids/pic1\.png: no such file'


def break_garbage_map(tiny):
    (tiny.root / 'Human_ids/pic1.png').write_bytes(b'not a picture')
    return r'Human_ids/pic1\.png: not readable as a label map'


def break_size(tiny):
    tiny.save('Category_ids/pic1.png', np.ones((40, 59), np.uint8))
    return r'Category_ids/pic1\.png: the map is 59x40, expected 60x40'


def break_range(tiny):
    tiny.save('Category_ids/pic1.png', np.full((40, 60), 20, np.uint8))
    return r'Category_ids/pic1\.png: label 20 is out of range for 20 classes'


def break_colours(tiny):
    tiny.save('Category_ids/pic1.png', np.zeros((40, 60, 3), np.uint8))
    return r'Category_ids/pic1\.png: a label map has one integer channel'


def break_annotated_size(tiny):
    tiny.content['images'][0].update(height=400, width=600)
    tiny.write()
    return r'Images/pic1\.png: the image is 60x40, its annotation says 600x400'


def break_person_outside_its_box(tiny):
    human = np.zeros((40, 60), np.uint8)
    human[34:, :], human[:, 25:], human[:, :5], human[:4, :] = 1, 1, 1, 1  # all around the box
    tiny.save('Human_ids/pic1.png', human)
    tiny.save('Category_ids/pic1.png', np.full((40, 60), 14, np.uint8))
    return r'Human_ids/pic1\.png: annotation 11: the person with parsing_id 1 has no labelled pixel in its box'


def break_person(tiny):
    tiny.save('Human_ids/pic1.png', np.full((40, 60), 2, np.uint8))
    return r'Human_ids/pic1\.png: annotation 11: the person with parsing_id 1 has no labelled pixel'


BREAKS = [
    break_missing_image, break_truncated_image, break_missing_map, break_garbage_map, break_size, break_range,
    break_colours, break_person, break_annotated_size, break_person_outside_its_box
]


@pytest.mark.parametrize('damage', BREAKS)
def test_a_broken_training_sample_is_named(tiny, damage):
    message = damage(tiny)
    with pytest.raises(DataError, match=rf'{message}.*\(annotation 11 of .*tiny\.json\)'):
        CIHPDataset(**tiny.args(pipeline=LOAD_PERSON))[0]


@pytest.mark.parametrize('damage', BREAKS)
def test_or_skipped_where_the_config_says_so(tiny, damage):
    damage(tiny)
    dataset = CIHPDataset(**tiny.args(pipeline=LOAD_PERSON, on_invalid='skip'))
    told = []
    dataset._warn = told.append
    for _ in range(3):
        assert dataset[SeededIndex(0, (0, 0))]['gt_map'].any()
    assert sum('annotation 11' in line for line in told) == 1


@pytest.mark.parametrize(('mode', 'array', 'expected'), [
    ('L', np.full((4, 4), 90, np.uint8), [90, 90, 90]),
    ('RGBA', np.full((4, 4, 4), (10, 20, 30, 128), np.uint8), [142, 137, 132]),  # on white
    ('I;16', np.full((4, 4), 40000, np.uint16), [155, 155, 155]),
])
def test_all_kinds_of_pictures_become_bgr(tmp_path, mode, array, expected):
    picture = Image.fromarray(array)
    assert picture.mode == mode
    picture.save(tmp_path / 'picture.png')
    pixels = read_image(tmp_path / 'picture.png')
    assert pixels.shape == (4, 4, 3)
    assert pixels[0, 0].tolist() == expected


def test_a_picture_is_turned_as_its_exif_says(tmp_path):
    picture = Image.fromarray(np.zeros((20, 30, 3), np.uint8))
    exif = picture.getexif()
    exif[274] = 6
    picture.save(tmp_path / 'picture.jpg', exif=exif)
    assert read_image(tmp_path / 'picture.jpg').shape == (30, 20, 3)


def test_an_image_is_compared_with_its_annotated_size_where_there_is_one(tiny):
    path = str(tiny.root / 'Images/pic1.png')  # 60 x 40
    load = TRANSFORMS.build(LOAD_PERSON[0])
    assert load(dict(img_path=path))['ori_shape'] == (40, 60)
    assert load(dict(img_path=path, height=40, width=60))['ori_shape'] == (40, 60)
    for height, width in ((60, 40), (40, 61), (41, 60)):
        with pytest.raises(DataError, match=rf'pic1\.png: the image is 60x40, its annotation says {width}x{height}'):
            load(dict(img_path=path, height=height, width=width))


def test_a_truncated_jpeg_is_no_silent_wrong_sample(tiny):
    path = tiny.root / 'Images/pic2.png'
    image = Image.open(path)
    image.load()
    image.resize((600, 400)).save(path, format='jpeg')
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(DataError, match=r'pic2\.png: not readable as an image'):
        CIHPDataset(**tiny.args(pipeline=LOAD_PERSON))[2]


def test_testing_never_skips_a_broken_image(tiny):
    break_range(tiny)
    with pytest.raises(DataError, match='out of range'):
        CIHPDataset(**tiny.args(pipeline=LOAD_IMAGE, test_mode=True, on_invalid='skip'))[0]


@pytest.mark.parametrize(('change', 'message'), [
    (lambda c: c.pop('annotations'), r"tiny\.json: field 'annotations' is missing"),
    (lambda c: c['annotations'][2].pop('parsing_id'), r"tiny\.json: annotation 21: field 'parsing_id' is missing"),
    (lambda c: c['annotations'][2].update(image_id=9), r'annotation 21: image_id 9 is not among the images'),
    (lambda c: c['annotations'][2].update(bbox=[1, 2, 3]), r'annotation 21: bbox \[1, 2, 3\] is not four finite'),
    (lambda c: c['annotations'][2].update(bbox=[1, 2, 3, float('nan')]), r'annotation 21: bbox .* not four finite'),
    (lambda c: c['images'][0].pop('height'), r"image 1: field 'height' is missing"),
    (lambda c: c['images'][0].update(file_name='../up.png'), r"image 1: file name '../up.png' leaves its folder"),
    (lambda c: c['images'][1].update(id=1), r'image id 1 stands twice'),
])
def test_broken_annotations_are_named(tiny, change, message):
    change(tiny.content)
    tiny.write()
    with pytest.raises(DataError, match=message):
        CIHPDataset(**tiny.args())


@pytest.mark.parametrize(('change', 'options', 'message'), [
    (lambda c: c.update(annotations=[]), {}, 'annotations: nobody to train on'),
    (lambda c: [person.update(iscrowd=1) for person in c['annotations']], {}, 'annotations: nobody to train on'),
    (lambda c: [person.update(bbox=[0, 0, 0, 0]) for person in c['annotations']], dict(on_invalid='skip'),
     'annotations: nobody to train on'),
    (lambda c: c.update(annotations=[], images=[]), dict(test_mode=True), 'images: there is none'),
])
def test_a_data_set_of_nobody_is_named(tiny, change, options, message):
    change(tiny.content)
    tiny.write()
    with pytest.raises(DataError, match=rf'tiny\.json: {message}'):
        CIHPDataset(**tiny.args(**options))


def test_all_samples_broken_is_one_line(tiny):
    for path in (tiny.root / 'Category_ids').iterdir():
        path.unlink()
    dataset = CIHPDataset(**tiny.args(pipeline=LOAD_PERSON, on_invalid='skip'))
    with pytest.raises(DataError, match=r'every sample is broken \(3 of 3\), the last: .*Category_ids.*no such file'):
        dataset[0]


@pytest.mark.parametrize(('row', 'column'), [(4, 5), (4, 24), (33, 5), (33, 24)])
def test_a_pixel_in_a_corner_of_its_box_is_enough(tiny, row, column):
    human = np.zeros((40, 60), np.uint8)
    human[row, column] = 1
    tiny.save('Human_ids/pic1.png', human)
    tiny.save('Category_ids/pic1.png', np.full((40, 60), 14, np.uint8))
    assert CIHPDataset(**tiny.args(pipeline=LOAD_PERSON))[0]['gt_map'].sum() == 14


def test_a_mask_of_255_shows_nobody(tiny):
    tiny.save('Category_ids/pic2.png', np.where(np.indices((40, 60))[0] > 10, 255, 0).astype(np.uint8))
    with pytest.raises(DataError, match=r'annotation 21: .* no labelled pixel in its box, only such that are ignored'):
        CIHPDataset(**tiny.args(pipeline=LOAD_PERSON))[2]


def test_arguments_of_every_data_set_of_mmengine(tiny):
    assert len(CIHPDataset(**tiny.args(indices=2))) == 2
    last = CIHPDataset(**tiny.args(indices=[2]))
    assert last.get_data_info(0)['ann_ids'].tolist() == [21]
    for serialized in (True, False):
        dataset = CIHPDataset(**tiny.args(serialize_data=serialized))
        assert dataset.get_data_info(1)['ann_ids'].tolist() == [12]
        assert bool(len(dataset.data_list)) != serialized  # the records are packed, or stay a list
    assert CIHPDataset(**tiny.args(max_refetch=3)).max_refetch == 3
    for indices, message in (([9], 'beyond the 3 samples'), ([], 'takes no sample'), (0, 'takes no sample')):
        with pytest.raises(InputError, match=f'indices.*{message}'):
            CIHPDataset(**tiny.args(indices=indices))


def test_classes_given_as_a_string_are_refused(tiny, tmp_path):
    with pytest.raises(InputError, match=r"classes is the string 'person'; a sequence of one is \('person',\)"):
        HumanParsingDataset(**tiny.args(metainfo=dict(classes=('person'))))
    (tmp_path / 'classes.txt').write_text('background\nperson\n')  # but for a file of them, as mmengine reads it
    dataset = HumanParsingDataset(
        **tiny.args(metainfo=dict(classes=str(tmp_path / 'classes.txt'), palette=[[0, 0, 0], [9, 9, 9]])))
    assert dataset.metainfo['classes'] == ['background', 'person']


def test_rare_classes_come_more_often_each_time_on_a_stream_of_its_own(tiny):
    labels = np.full((40, 60), 14, np.uint8)
    labels[12:20, 20:30] = 3  # in one sample of three
    tiny.save('Category_ids/pic2.png', labels)
    dataset = DATASETS.build(dict(
        type='ClassBalancedDataset', oversample_thr=1.0, dataset=dict(
            type='CIHPDataset', **tiny.args(pipeline=[*LOAD_PERSON, dict(type='RandomNumber')]))))
    assert isinstance(dataset, ClassBalancedDataset)
    assert dataset.dataset.get_cat_ids(0) == [14, 15]
    assert dataset.dataset.get_cat_ids(2) == [3, 14]
    assert dataset.repeat_indices.count(2) == 2  # ceil(sqrt(1 / (1 / 3)))
    first, second = (index for index, sample in enumerate(dataset.repeat_indices) if sample == 2)
    drawn = [dataset[SeededIndex(index, (0, epoch))]['drawn'] for index in (first, second) for epoch in (0, 1)]
    assert len(set(drawn)) == 4
    assert dataset[SeededIndex(first, (0, 0))]['drawn'] == drawn[0]


def test_a_missing_or_unreadable_annotation_file_is_named(tiny):
    with pytest.raises(DataError, match=r'none\.json: no such file'):
        CIHPDataset(**tiny.args(ann_file='none.json'))
    tiny.ann_file.write_text('{"images": [')
    with pytest.raises(DataError, match=r'tiny\.json: not readable as JSON'):
        CIHPDataset(**tiny.args())


def test_part_tables_are_checked(tiny):
    table = tiny.root / 'Instance_ids/pic1.txt'
    table.write_text('14 14')
    with pytest.raises(DataError, match=r'Instance_ids/pic1\.txt:1: .* is not "instance_part_id class_id human_id"'):
        CIHPDataset(**tiny.args(pipeline=LOAD_IMAGE, test_mode=True))[0]


def test_arguments_are_checked(tiny):
    with pytest.raises(InputError, match='palette of 1 colour'):
        HumanParsingDataset(**tiny.args(metainfo=dict(classes=['background', 'a'], palette=[[0, 0, 0]])))
    with pytest.raises(InputError, match='flip_pairs'):
        CIHPDataset(**tiny.args(metainfo=dict(flip_pairs=[[3, 20]])))
    with pytest.raises(InputError, match='on_invalid'):
        CIHPDataset(**tiny.args(on_invalid='ignore'))
    with pytest.raises(InputError, match='detection_file'):
        CIHPDataset(**tiny.args(detection_file='boxes.json'))


def test_partial_labels_are_for_training_alone(tiny):
    meta = dict(classes=[str(i) for i in range(15)], palette=[[i, i, i] for i in range(15)], flip_pairs=[])
    with pytest.raises(DataError, match='label 15 is out of range for 15 classes'):
        HumanParsingDataset(**tiny.args(metainfo=meta, pipeline=LOAD_PERSON))[0]
    meta['partial_labels'] = {'any clothing': (3, 4)}
    labels = HumanParsingDataset(**tiny.args(metainfo=meta, pipeline=LOAD_PERSON))[0]['gt_map']
    assert labels.max() == 15
    truth = HumanParsingDataset(**tiny.args(metainfo=meta, pipeline=LOAD_IMAGE, test_mode=True))[0]['category_map']
    assert sorted(np.unique(truth)) == [0, 14, 255]
