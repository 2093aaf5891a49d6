"""The scores of whole data sets, against the slow evaluator, known properties and recorded values."""
import json
from dataclasses import replace

import numpy as np
import pytest
import slow_evaluator
from scenes import Scene, perfect_scene, random_scenes

from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.records import BORDER_METRICS, record_image
from mmqanet.evaluation.scores import score_records
from mmqanet.functional.boundaries import TRIMAP_REACHES
from mmqanet.functional.image_parsing import ImageParsing


def records_of(scenes, **options):
    return [record_image(name=scene.name, truth=scene.truth(), **scene.prediction(),
                         num_classes=scene.num_classes, **options) for scene in scenes]


def values_of(scenes, missing='release'):
    return score_records(records_of(scenes), num_classes=scenes[0].num_classes, missing=missing).values


@pytest.mark.parametrize('missing', ['release', 'count'])
@pytest.mark.parametrize('ties', [False, True])
def test_agrees_with_the_slow_evaluator_on_many_small_images(missing, ties):
    for first in range(0, 240, 24):
        scenes = random_scenes(24, first_seed=first, ties=ties)
        slow = slow_evaluator.evaluate([slow_evaluator.prepare(scene) for scene in scenes], 5, missing)
        fast = values_of(scenes, missing)
        assert list(fast) == list(slow)
        assert fast == pytest.approx(slow, abs=1e-12, nan_ok=True)


def test_the_readings_of_images_without_prediction_differ():
    scenes = [scene for scene in random_scenes(60) if not len(scene.people) and scene.human.any()]
    scenes += random_scenes(5, first_seed=100)
    release, count = values_of(scenes, 'release'), values_of(scenes, 'count')
    assert {key for key in release if release[key] == count[key]} == {'APp', 'APp_50', 'PCP', 'PCP_50'}
    assert count['APr'] < release['APr']
    assert score_records(records_of(scenes), num_classes=5).values == release != count


def enlarged(scene: Scene, factor: int) -> Scene:
    """The scene with every pixel repeated ``factor`` times in both directions: no score changes."""
    maps = {key: getattr(scene, key).repeat(factor, axis=-2).repeat(factor, axis=-1)
            for key in ('category', 'human', 'instance', 'people')}
    return replace(scene, **maps)


def test_pixels_are_counted_beyond_sixteen_bits():
    """0.6 megapixels an image: its background, people and parts pass 65,535 pixels, as those of photos do."""
    scenes = [scene for scene in random_scenes(8, first_seed=70) if len(scene.people) and scene.human.any()][:3]
    large = [enlarged(scene, 50) for scene in scenes]
    parts = [count for scene in large for count in np.bincount(scene.category[scene.category < 255])[1:]]
    assert sum(count > 2 ** 16 for count in parts) > 1
    assert values_of(large) == pytest.approx(values_of(scenes), abs=1e-12, nan_ok=True)
    confusion = score_records(records_of(large), num_classes=5).confusion
    assert (confusion == 2500 * score_records(records_of(scenes), num_classes=5).confusion).all()


def test_perfect_predictions_score_one():
    scenes = [perfect_scene(seed) for seed in range(12)]
    assert set(np.unique([scene.category for scene in scenes])) == {0, 1, 2, 3, 4}
    assert values_of(scenes) == pytest.approx(dict.fromkeys(values_of(scenes), 1.0))


def test_order_of_people_and_images_changes_nothing():
    scenes = random_scenes(30, first_seed=300)
    rng = np.random.default_rng(0)
    shuffled = []
    for index in rng.permutation(len(scenes)):
        order = rng.permutation(len(scenes[index].people))
        shuffled.append(replace(scenes[index], **{
            key: getattr(scenes[index], key)[order]
            for key in ('people', 'bbox_scores', 'qualities', 'part_qualities')}))
    assert values_of(shuffled) == pytest.approx(values_of(scenes), abs=1e-12)


def test_order_decides_between_equal_scores():
    good, bad = perfect_scene(0), perfect_scene(1)
    bad = replace(bad, people=np.where(bad.people, 0, 1).astype(np.uint8))
    first, second = values_of([good, bad]), values_of([bad, good])
    assert first['APp'] > second['APp']
    assert first['APh'] > second['APh']


def test_undefined_scores_are_nan():
    scene = next(scene for scene in random_scenes(40) if len(scene.people) and not scene.human.any())
    scores = score_records(records_of([scene]), num_classes=5)
    predicted = scene.merged()[0].part_labels
    assert all(np.isnan(scores.values[key]) for key in ('APp', 'PCP', 'APh'))
    assert len(predicted)
    for label in range(1, 5):
        assert scores.apr[label] == pytest.approx([np.nan if label in predicted else 0.0] * 9, nan_ok=True)


def test_single_metrics_need_no_more_than_their_maps():
    scene = perfect_scene(3)
    truth, prediction = replace(scene.truth(), human=None, part=None, parts=None), scene.prediction()
    bare = ImageParsing.of_nobody(prediction['parsing'].category)
    record = record_image(name='a', truth=truth, parsing=bare, num_classes=5, metrics=('mIoU',))
    present = len(np.unique(scene.category)) / 5
    assert score_records([record], num_classes=5, metrics=('mIoU',)).values == pytest.approx(
        {'mIoU': present, 'mAcc': present, 'aAcc': 1.0})
    with pytest.raises(DataError, match=r'street/7: APh needs the ground-truth human map'):
        record_image(name='street/7', truth=truth, **prediction, num_classes=5, metrics=('APh',))


@pytest.mark.parametrize(('change', 'message'), [
    (dict(category=np.zeros((14, 17), np.uint8)), 'predicted category map is 17x14.*18x14'),
    (dict(category=np.full((14, 18), 5, np.uint8)), r'pred holds class 5, outside \[0, 5\)'),
])
def test_bad_predictions_are_named(change, message):
    scene = perfect_scene(0)
    with pytest.raises(DataError, match=f'a7: .*{message}'):
        record_image(name='a7', truth=scene.truth(), parsing=replace(scene.merged()[0], **change), num_classes=5)


def test_scores_that_are_no_numbers_are_refused():
    scene = perfect_scene(0)
    prediction = scene.prediction()
    people = replace(prediction['people'], qualities=np.full(len(prediction['people'].qualities), np.nan))
    parts, humans = (replace(prediction['parsing'], **{key: np.full_like(getattr(prediction['parsing'], key), np.inf)})
                     for key in ('part_scores', 'person_scores'))
    for change, metric in ((dict(people=people), 'APp'), (dict(parsing=parts), 'APr'), (dict(parsing=humans), 'APh')):
        with pytest.raises(DataError, match=r'a7: .*(finite|infinite)'):
            record_image(name='a7', truth=scene.truth(), **{**prediction, **change}, num_classes=5, metrics=(metric,))


def test_bad_calls_are_named():
    record = records_of([perfect_scene(0)])[0]
    with pytest.raises(DataError, match=f'{record.name}: this image was evaluated twice'):
        score_records([record, record], num_classes=5)
    with pytest.raises(DataError, match='no image'):
        score_records([], num_classes=5)
    with pytest.raises(InputError, match="missing is 'maybe'"):
        score_records([record], num_classes=5, missing='maybe')
    with pytest.raises(InputError, match="unknown metric 'AP'"):
        score_records([record], num_classes=5, metrics=('AP',))
    with pytest.raises(InputError, match='metrics is empty, choose from mIoU'):
        score_records([record], num_classes=5, metrics=())


def test_a_metric_may_be_named_by_a_string():
    scene = perfect_scene(3)
    record = records_of([scene], metrics='mIoU')[0]
    assert record.people is record.parts is record.humans is None
    assert set(score_records([record], num_classes=5, metrics='mIoU').values) == {'mIoU', 'mAcc', 'aAcc'}
    with pytest.raises(InputError, match="unknown metric 'mAP'"):
        records_of([scene], metrics='mAP')


@pytest.mark.parametrize('label', [5, 200, -1])
def test_a_class_of_the_part_table_beyond_the_data_set_is_named(label):
    scene = perfect_scene(0)
    table = scene.gt_parts.copy()
    table[-1, 1] = label
    with pytest.raises(DataError, match=rf'a7: the ground-truth part table holds class {label}, outside \[0, 5\)'):
        record_image(name='a7', truth=replace(scene, gt_parts=table).truth(), **scene.prediction(), num_classes=5)


def test_agrees_with_the_recorded_release(golden_dir):
    golden = json.loads((golden_dir / 'metrics_ppp.json').read_text())
    arrays = np.load(golden_dir / 'metrics_ppp.npz')
    scenes = []
    for image in golden['images']:
        get = {key: arrays[f'img{image["index"]:02d}_{key}'] for key in (
            'category', 'human', 'instance', 'gt_parts', 'pred', 'inst_scores', 'bbox_scores', 'part_scores')}
        scenes.append(Scene(
            name=image['file_name'], num_classes=7, category=get['category'], human=get['human'],
            instance=get['instance'], gt_parts=get['gt_parts'], people=get['pred'], bbox_scores=get['bbox_scores'],
            qualities=get['inst_scores'], part_qualities=get['part_scores']))
    scores, expected = score_records(records_of(scenes), num_classes=7), golden['metrics']
    assert [scores.values[key] for key in ('mIoU', 'mAcc', 'aAcc', 'APp', 'PCP', 'APr', 'APh')] == pytest.approx(
        [expected[key] for key in ('mIoU', 'MeanACC', 'PixelACC', 'mAPp', 'mPCP', 'mAPr', 'mAPh')], abs=1e-9)
    for table, key in ((scores.app, 'APp'), (scores.pcp, 'PCP'), (scores.aph, 'APh')):
        assert table == pytest.approx(list(expected[key].values()), abs=1e-9)
    assert scores.segmentation.class_iou == pytest.approx(expected['IoU'], abs=1e-9)
    assert scores.apr[1:] == pytest.approx(np.array(list(expected['APr_per_class'].values())), abs=1e-9)


def slow_border_scores(scenes, missing):
    """Boundary IoU and trimap IoU of classes over all images, by distances to the nearest pixel of another class."""
    boundary, trimap = np.zeros((2, 5)), {reach: np.zeros((2, 5)) for reach in TRIMAP_REACHES}
    for scene in scenes:
        if not len(scene.people) and missing == 'release':
            continue
        label = scene.category
        pred = scene.merged()[0].category if len(scene.people) else np.zeros_like(label)
        known = label < 5
        distances = [distance_to_others(np.where(known, values, 255)) for values in (pred, label)]
        for index in range(5):
            ours, theirs = ((values == index) & known for values in (pred, label))
            for reach, counts in trimap.items():
                near = distances[1] <= reach
                counts += np.eye(5)[index] * [[(ours & theirs & near).sum()], [((ours | theirs) & near).sum()]]
            rows, columns = np.indices(label.shape)
            edge = np.isin(rows, (0, label.shape[0] - 1)) | np.isin(columns, (0, label.shape[1] - 1))
            ours, theirs = (mask & (edge | (distance <= 1)) for mask, distance in zip((ours, theirs), distances))
            boundary += np.eye(5)[index] * [[(ours & theirs).sum()], [(ours | theirs).sum()]]
    means = {f'mTIoU_{reach}': (counts[0] / (counts[1] + 1e-10)).mean() for reach, counts in trimap.items()}
    return dict(mBIoU=(boundary[0] / (boundary[1] + 1e-10)).mean(), mTIoU=np.mean(list(means.values())), **means)


def distance_to_others(values):
    """How many rows or columns off, whichever is more, the nearest pixel of another class is; 255 is none."""
    places = np.argwhere(values < 255)
    classes = values[tuple(places.T)]
    distances = np.full(values.shape, np.inf)
    for place, index in zip(places, classes):
        others = places[classes != index]
        if len(others):
            distances[tuple(place)] = np.abs(others - place).max(axis=1).min()
    return distances


@pytest.mark.parametrize('missing', ['release', 'count'])
def test_border_scores_agree_with_distances_to_other_classes(missing):
    """Images of 18x14 have a diagonal of 22.8 pixels, so Boundary IoU reaches one pixel."""
    scenes = random_scenes(30, first_seed=500)
    records = records_of(scenes, metrics=BORDER_METRICS)
    scores = score_records(records, num_classes=5, metrics=BORDER_METRICS, missing=missing)
    assert scores.values == pytest.approx(slow_border_scores(scenes, missing), abs=1e-12)
    assert scores.boundary_iou.shape == (5,)
    assert scores.trimap_iou.shape == (3, 5)
    assert scores.confusion is None
