"""The shipped label set, merged: from Python and from the command line."""
import json

import numpy as np
import pytest
import torch
from pictures import picture, save
from sides import write_sides_parser

from mmqanet.apis import HumanParsingInferencer, init_model
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.cli.main import main
from mmqanet.datasets import ATRDataset, CCPMergedDataset
from mmqanet.errors import DataError, InputError
from mmqanet.functional.class_merging import merge_classes


@pytest.fixture(scope='module')
def weights(tmp_path_factory):
    return write_sides_parser(tmp_path_factory.mktemp('sides') / 'weights.pth')


@pytest.mark.parametrize(('name', 'dataset'), [('merged16', CCPMergedDataset), ('atr', ATRDataset)])
def test_a_model_with_merged_classes(weights, name, dataset):
    model, full = init_model(None, weights, classes=name), init_model(None, weights)
    assert model.dataset_meta == dataset.METAINFO
    crops = torch.randint(0, 256, (1, 3, 64, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    (probs, iou), = model.forward_crops([crops], flip_pairs=dataset.METAINFO['flip_pairs'])
    (whole, iou_of_full), = full.forward_crops([crops], flip_pairs=full.dataset_meta['flip_pairs'])
    torch.testing.assert_close(probs, merge_classes(whole[None], model.merging['table'])[0])
    torch.testing.assert_close(iou, iou_of_full)


def test_a_checkpoint_says_what_is_predicted_unless_asked(weights, tmp_path):
    content = load_checkpoint_file(weights)
    content['meta']['default_classes'] = 'atr'
    torch.save(content, tmp_path / 'atr.pth')
    assert init_model(None, tmp_path / 'atr.pth').dataset_meta == ATRDataset.METAINFO
    assert len(init_model(None, tmp_path / 'atr.pth', classes='full').dataset_meta['classes']) == 23
    assert init_model(None, tmp_path / 'atr.pth', classes='merged16').dataset_meta == CCPMergedDataset.METAINFO
    for value, error, message in ((['atr'], DataError, 'default_classes is not the name'), ('lip', InputError, "'lip'")):
        content['meta']['default_classes'] = value
        torch.save(content, tmp_path / 'wrong.pth')
        with pytest.raises(error, match=message):
            init_model(None, tmp_path / 'wrong.pth')


def test_predictions_name_the_merged_classes(weights):
    picture = np.random.default_rng(0).integers(0, 256, (90, 60, 3), dtype=np.uint8)
    inferencer = HumanParsingInferencer(None, weights, 'cpu', classes='merged16')
    parsed, = inferencer(picture)['predictions']
    assert parsed['classes'] == list(CCPMergedDataset.METAINFO['classes'])
    assert all(part['name'] == parsed['classes'][part['label']] for part in parsed['people'][0]['parts'])


def test_names_that_the_model_does_not_know(weights, small_parser):
    with pytest.raises(InputError, match="classes is 'lip', but this model of 23 classes knows full, merged16, atr"):
        init_model(None, weights, classes='lip')
    with pytest.raises(InputError, match='this model of 20 classes knows full'):
        init_model(small_parser / 'config.py', small_parser / 'weights.pth', classes='atr')


def test_from_the_command_line(weights, tmp_path, capsys):
    save(tmp_path / 'a.png', picture(70, 50))
    words = ['parse', str(tmp_path / 'a.png'), '--checkpoint', str(weights), '--out', str(tmp_path / 'out')]
    assert main([*words, '--classes', 'atr']) == 0
    assert json.loads((tmp_path / 'out/a.json').read_text())['classes'] == list(ATRDataset.METAINFO['classes'])
    assert main([*words, '--classes', 'lip']) != 0
    assert 'knows full, merged16, atr' in capsys.readouterr().err
