"""The tools of the shipped parser's recipe: split classes, portraits, pseudo-labels, scores against coarse labels."""
import io
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.io import savemat
from sides import write_sides_parser

from mmqanet.apis import init_model
from mmqanet.apis.restricted import parse_restricted
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.stored_config import read_stored_config
from mmqanet.datasets.ccp import CCP_CLASSES
from mmqanet.datasets.ccp_sides import CCP_SIDES_CLASSES, CCP_SIDES_ORIGINS, CCP_SIDES_PARTIAL_LABELS, CCPSidesDataset
from mmqanet.models import ParsingHead
from mmqanet.preparation.converters.prepared import write_coco_json, write_sample
from mmqanet.preparation.pseudo_labels import agree_on_sides, possible_classes
from mmqanet.utils.images import read_image

TOOLS = Path(__file__).resolve().parents[2] / 'tools'


def run(monkeypatch, tool, *words):
    monkeypatch.setattr(sys, 'argv', [tool, *map(str, words)])
    runpy.run_path(str(TOOLS / tool), run_name='__main__')


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return write_sides_parser(tmp_path_factory.mktemp('sides') / 'weights.pth')


def test_a_parser_of_merged_classes_becomes_a_start(tmp_path, monkeypatch):
    head = ParsingHead(in_channels=4, num_classes=17)
    torch.save(dict(state_dict={f'parsing_head.{key}': value for key, value in head.state_dict().items()}),
               tmp_path / 'merged.pth')
    run(monkeypatch, 'model_converters/split_classes.py', tmp_path / 'merged.pth', tmp_path / 'start.pth')
    content = load_checkpoint_file(tmp_path / 'start.pth')
    weight = content['state_dict']['parsing_head.classifier.weight']
    assert torch.equal(weight, head.classifier.weight[list(CCP_SIDES_ORIGINS)])
    assert tuple(content['meta']['dataset_meta']['classes']) == CCP_SIDES_CLASSES
    torch.save(dict(state_dict=dict(neck=torch.ones(1))), tmp_path / 'other.pth')
    with pytest.raises(SystemExit, match=r'other\.pth: parsing_head\.classifier\.weight is missing'):
        run(monkeypatch, 'model_converters/split_classes.py', tmp_path / 'other.pth', tmp_path / 'no.pth')


@pytest.fixture
def tagged(tmp_path):
    """Two tagged photos of 90x60, and one that shows nobody."""
    root = tmp_path / 'ccp'
    for folder in ('photos_tagged', 'annotations/image-level', 'bodypix'):
        (root / folder).mkdir(parents=True)
    for number in (1, 2, 3):
        name = f'{number:04}'
        image = np.random.default_rng(number).integers(0, 256, (90, 60, 3), np.uint8)
        Image.fromarray(image).save(root / f'photos_tagged/{name}.webp', lossless=True)
        parts = np.zeros((22, 15), np.uint8)
        parts[2:20, 3:12] = 13 if number < 3 else 0
        Image.fromarray(parts).save(root / f'bodypix/{name}.png')
        savemat(root / f'annotations/image-level/{name}.mat',
                {'tags': np.array([[0, CCP_CLASSES.index('skin'), CCP_CLASSES.index('ring')]], np.uint8)})
    return root


def test_pseudo_labels_of_tagged_photos(tagged, weights, tmp_path, monkeypatch, capsys):
    run(monkeypatch, 'dataset_converters/pseudo_labels.py', tagged, tmp_path / 'out', '--checkpoint', weights,
        '--quality-thr', 0, 1)
    lines = capsys.readouterr().out.splitlines()[-3:]
    assert lines[0] == 'left out: 1 nobody found'
    assert lines[1].endswith('q0: 2 photos, 100 % of the pixels of a person in parts of a quality of 0 and more')
    assert lines[2].endswith('q1: 0 photos, 0 % of the pixels of a person in parts of a quality of 1 and more')
    content = json.loads((tmp_path / 'out/q0/annotations/CCP_tagged.json').read_text())
    assert [image['file_name'] for image in content['images']] == ['0001.jpg', '0002.jpg']
    labels = np.array(Image.open(tmp_path / 'out/q0/Training/Category_ids/0001.png'))
    possible = possible_classes([CCP_CLASSES.index('skin'), CCP_CLASSES.index('ring')])
    assert labels.any()
    merged = [*([index] for index in range(len(possible))), *CCP_SIDES_PARTIAL_LABELS.values()]
    assert all(possible[list(merged[label])].any() for label in np.unique(labels))
    dataset = CCPSidesDataset(
        ann_file='annotations/CCP_tagged.json', data_root=str(tmp_path / 'out/q0'),
        data_prefix=dict(img='Training/Images', category='Training/Category_ids', human='Training/Human_ids'))
    assert len(dataset) == 2


def test_only_parts_of_a_high_quality_are_kept(tagged, weights, tmp_path, monkeypatch):
    script = runpy.run_path(str(TOOLS / 'dataset_converters/pseudo_labels.py'))
    model = init_model(None, weights)
    photo = script['load_tagged'](tagged, '0001')
    labels, qualities = script['label'](model, photo)
    shown = np.setdiff1d(labels, [0])
    thr = float(np.round(np.sort(qualities[shown - 1])[len(shown) // 2], 4))
    run(monkeypatch, 'dataset_converters/pseudo_labels.py', tagged, tmp_path / 'out', '--checkpoint', weights,
        '--quality-thr', thr)
    written = np.array(Image.open(tmp_path / f'out/q{thr:g}/Training/Category_ids/0001.png'))
    unsure = np.isin(labels, shown[qualities[shown - 1] < thr])
    assert unsure.any()
    assert not unsure.all()
    assert (written[unsure] == 255).all()
    decided = ~unsure & (written < len(CCP_SIDES_CLASSES))
    assert decided.any()
    assert (written[decided] == labels[decided]).all()
    assert (written[~unsure & ~decided] == agree_on_sides(labels, photo.parts)[~unsure & ~decided]).all()


def test_garments_that_do_not_appear_keep_a_photo_out(tagged, weights, tmp_path, monkeypatch, capsys):
    everything = np.arange(1, len(CCP_CLASSES), dtype=np.uint8)
    for path in (tagged / 'annotations/image-level').glob('*.mat'):
        savemat(path, {'tags': everything[None]})
    run(monkeypatch, 'dataset_converters/pseudo_labels.py', tagged, tmp_path / 'out', '--checkpoint', weights, '--limit', 2)
    assert 'q0.7: 0 photos' in capsys.readouterr().out


def test_a_parser_of_other_classes_is_refused(tagged, small_parser, tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match='no top-down parser of the 23 classes of CCPSidesDataset'):
        run(monkeypatch, 'dataset_converters/pseudo_labels.py', tagged, tmp_path / 'out', '--checkpoint',
            small_parser / 'weights.pth')


def test_scores_against_coarse_labels(weights, tmp_path, monkeypatch, capsys):
    for folder in ('photos', 'labels'):
        (tmp_path / folder).mkdir()
    image = np.random.default_rng(0).integers(0, 256, (90, 60, 3), np.uint8)
    Image.fromarray(image).save(tmp_path / 'photos/a.png')
    script = runpy.run_path(str(TOOLS / 'analysis_tools/coarse_iou.py'))
    sample, = script['HumanParsingInferencer'](None, weights, 'cpu')(
        image[..., ::-1].copy(), return_datasamples=True)['predictions']
    found = sample.pred_maps.category[0].numpy()
    truth = np.where(np.arange(60) < 30, found == CCP_SIDES_CLASSES.index('hair'), 0).astype(np.uint8)
    Image.fromarray(truth).save(tmp_path / 'labels/a.png')
    run(monkeypatch, 'analysis_tools/coarse_iou.py', tmp_path / 'photos', tmp_path / 'labels', '--labels', 'background',
        'hair', '--checkpoint', weights, '--detector', 'image', '--views', 'colour', 'grey')
    rows = [line for line in capsys.readouterr().out.splitlines() if 'colour' in line or 'grey' in line]
    assert len(rows) == 2
    union = (truth == 1) | (found == CCP_SIDES_CLASSES.index('hair'))
    assert f'{100 * (truth == 1).sum() / union.sum():.1f}' in rows[0]
    arguments = (tmp_path / 'photos', tmp_path / 'labels', '--labels', 'background', 'hair', '--checkpoint')
    with pytest.raises(SystemExit, match=r"--qualities: the parser's qualities are not calibrated"):
        run(monkeypatch, 'analysis_tools/coarse_iou.py', *arguments, weights, '--detector', 'image', '--qualities')
    run(monkeypatch, 'analysis_tools/coarse_iou.py', *arguments, calibrated(weights, tmp_path / 'calibrated.pth'),
        '--detector', 'image', '--qualities', '--classes', 'full')
    row = next(line for line in capsys.readouterr().out.splitlines() if 'hair' in line and 'colour' in line)
    before, after = (abs(share * float(quality) - iou) for share in (1, 0.5) for quality, iou in [
        (sample.pred_instances.part_qualities[0, 0] * 100, 100 * (truth == 1).sum() / union.sum())])
    assert [float(word) for word in row.split('│')[-3:-1]] == pytest.approx([before, after], abs=0.06)
    Image.fromarray(truth).save(tmp_path / 'labels/b.png')
    with pytest.raises(SystemExit, match='0 photos called b'):
        run(monkeypatch, 'analysis_tools/coarse_iou.py', tmp_path / 'photos', tmp_path / 'labels', '--labels', 'background',
            '--checkpoint', weights, '--detector', 'image')


def calibrated(weights: Path, path: Path) -> Path:
    """The checkpoint, expecting half of each quality."""
    content = load_checkpoint_file(weights)
    cfg, line = read_stored_config(content, weights), dict(qualities=[0, 1], ious=[0, 0.5])
    cfg.model.postprocessor.calibration = dict(people=line, parts=[line] * 22, pooled=line)
    content['meta']['cfg'] = cfg.pretty_text
    torch.save(content, path)
    return path


def test_how_right_pseudo_labels_are(weights, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    jpeg = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (90, 60, 3), np.uint8)).save(jpeg, format='JPEG')
    truth = np.zeros((90, 60), np.uint8)
    truth[10:80, 10:50] = rng.integers(1, 23, (70, 40))
    people = write_sample(tmp_path / 'Validation', 'a', image=jpeg.getvalue(), category=truth,
                          human=(truth > 0).astype(np.uint8), num_classes=23)
    write_coco_json(tmp_path / 'annotations/CCP_val.json', [dict(file_name='a.jpg', height=90, width=60)], [people])
    run(monkeypatch, 'analysis_tools/pseudo_label_accuracy.py', tmp_path, '--checkpoint', weights, '--quality-thr', 0, 1)
    rows = [[cell.strip() for cell in line.split('│')[1:-1]] for line in capsys.readouterr().out.splitlines() if '│' in line]
    assert [row[:2] for row in rows] == [['no', '0'], ['no', '1'], ['yes', '0'], ['yes', '1']]
    image = read_image(tmp_path / 'Validation/Images/a.jpg')
    sample = parse_restricted(init_model(None, weights), image, [10, 10, 50, 80], [True] * 23)
    labels = sample.pred_maps.category[0].numpy()
    shown = (labels > 0) | (truth > 0)
    assert rows[0][2:4] == ['100.0', f'{100 * (labels == truth)[shown].mean():.1f}']
    assert float(rows[1][2]) == pytest.approx(100 * (labels == 0)[shown].mean(), abs=0.06)  # the background stays


def test_sides_are_counted_where_the_parts_agree():
    script = runpy.run_path(str(TOOLS / 'analysis_tools/side_accuracy.py'))
    left_shoe, right_shoe, left_arm, face = map(CCP_SIDES_CLASSES.index, ('left-shoe', 'right-shoe', 'left-arm', 'face'))
    truth = np.array([[left_shoe, left_shoe, right_shoe, left_arm, left_arm, 0, 255]])
    found = np.array([[left_shoe, right_shoe, right_shoe, face, left_arm, left_arm, left_arm]])
    assert script['count_sides'](truth, found).tolist() == [[3, 2], [1, 1], [0, 0]]
