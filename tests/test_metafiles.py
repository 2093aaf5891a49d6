"""The index of models, as mim reads it: every row of the paper is there, with the paper's numbers and no weights."""
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from mmengine.fileio import load

REPO = Path(__file__).resolve().parents[1]
FILES = ('configs/qanet/metafile.yml', 'configs/simplenet/metafile.yml')
COLLECTIONS = [collection for file in FILES for collection in load(REPO / file)['Collections']]
SEGMENTATION = 'configs/instance_segmentation/metafile.yml'
REGION_BASED = ('configs/parsing_rcnn/metafile.yml', 'configs/rp_rcnn/metafile.yml')
MODELS = [model for file in FILES for model in load(REPO / file)['Models']]
DATA = {
    'CIHP': 'CIHPDataset', 'MHP-v2': 'MHPv2Dataset', 'PASCAL-Person-Part': 'PascalPersonPartDataset', 'LIP': 'LIPDataset',
    'ATR': 'ATRDataset'}
METRICS = {'mIoU', 'APp', 'APp_50', 'PCP_50', 'APr', 'APr_50'}


def test_every_config_of_the_paper_has_one_entry():
    assert set(FILES) <= set(load(REPO / 'model-index.yml')['Import'])
    shipped = [path.relative_to(REPO).as_posix() for folder in ('qanet', 'simplenet')
               for path in (REPO / 'configs' / folder).glob('*.py')]
    assert len(shipped) == 25
    assert sorted(model['Config'] for model in MODELS) == sorted(shipped)


@pytest.mark.parametrize('model', MODELS, ids=lambda model: model['Name'])
def test_an_entry_says_what_its_config_does(model):
    assert model['Name'] == model['Name'].lower() == Path(model['Config']).stem  # mim compares in lower case
    assert model['In Collection'] in {collection['Name'] for collection in COLLECTIONS}
    assert 'Weights' not in model
    cfg = Config.fromfile(REPO / model['Config'])
    data = model['Metadata']['Training Data']
    assert DATA[data] == cfg.train_dataloader.dataset.type
    collection, = (collection for collection in COLLECTIONS if collection['Name'] == model['In Collection'])
    assert collection['Metadata']['Epochs'] == cfg.train_cfg.max_epochs
    assert collection['Metadata']['Batch Size'] == cfg.auto_scale_lr.base_batch_size
    if 'Results' not in model:
        assert model['Metadata']['Results From'] == 'none, not in the paper'
        return
    result, = model['Results']
    assert (result['Task'], result['Dataset']) == ('Human Parsing', data)
    assert re.match(r'paper, Tables? .*; not reproduced here', model['Metadata']['Results From'])
    expected = {'aAcc', 'mAcc', 'mIoU'} if data == 'LIP' else METRICS - {'APr', 'APr_50'} if data == 'MHP-v2' else METRICS
    assert set(result['Metrics']) == expected


def test_the_module_on_instance_segmentation_has_its_rows():
    models = load(REPO / SEGMENTATION)['Models']
    assert SEGMENTATION in load(REPO / 'model-index.yml')['Import']
    for model in models:
        assert model['Name'] == Path(model['Config']).stem
        assert (REPO / model['Config']).is_file()
        assert ('Results' in model) == (model['Metadata']['Results From'] == 'paper, Table 7; not reproduced here')
    assert sum('Results' in model for model in models) == 3


@pytest.mark.parametrize('family', ['parsing', 'rp'])
def test_region_based_parsers_have_their_rows(family):
    path = f'configs/{family}_rcnn/metafile.yml'
    assert path in load(REPO / 'model-index.yml')['Import']
    content = load(REPO / path)
    shipped = {file.stem for file in (REPO / path).parent.glob('*.py')} - {f'{family}-rcnn_r18_toy'}
    assert {model['Name'] for model in content['Models']} == shipped
    collection, = content['Collections']
    for model in content['Models']:
        cfg = Config.fromfile(REPO / model['Config'])
        assert Path(model['Config']).stem == model['Name']
        assert DATA[model['Metadata']['Training Data']] == cfg.train_dataloader.dataset.type
        assert model['Metadata']['Iterations'] == cfg.train_cfg.max_iters
        assert collection['Metadata']['Batch Size'] == cfg.auto_scale_lr.base_batch_size
        assert ('Results' in model) == model['Metadata']['Results From'].startswith('paper, Table')


def test_the_numbers_are_the_paper_s(shared_dir):
    """All of a row stand in one line of the paper's text, which has gains in parentheses beside some."""
    paper = shared_dir / 'reference/paper.txt'
    if not paper.exists():
        pytest.skip('the text of the paper is not here')
    lines = [re.findall(r'\d+\.\d+', re.sub(r'\(.*?\)', ' ', line))
             for line in paper.read_text(encoding='utf-8').splitlines()]
    others = [SEGMENTATION, *REGION_BASED]
    for model in [*MODELS, *(model for path in others for model in load(REPO / path)['Models'])]:
        for result in model.get('Results', ()):
            row = list(result['Metrics'].values())
            assert any([float(word) for word in line][-len(row):] == row for line in lines), model['Name']


def test_the_page_of_the_zoo_shows_the_same_numbers():
    rows: dict[str, list] = {}
    for line in (REPO / 'docs/model_zoo.md').read_text(encoding='utf-8').splitlines():
        if name := re.match(r'\| \[([\w-]+)\]\(', line):
            rows.setdefault(name[1], []).append([float(word) for word in re.findall(r'\d+\.\d+(?= \|)', line)])
    for model in MODELS:
        for result in model.get('Results', ()):
            expected = list(result['Metrics'].values())
            assert rows[model['Name']], model['Name']
            assert all(row[-len(expected):] == expected for row in rows[model['Name']]), model['Name']


def test_every_config_of_dense_pose_has_one_entry():
    file = 'configs/densepose/metafile.yml'
    assert file in load(REPO / 'model-index.yml')['Import']
    configs = {model['Config']: model for model in load(REPO / file)['Models']}
    shipped = {path.relative_to(REPO).as_posix() for path in (REPO / 'configs/densepose').glob('*-coco.py')}
    assert set(configs) == shipped
    for config, model in configs.items():
        cfg = Config.fromfile(REPO / config)
        assert model['Name'] == Path(config).stem
        assert cfg.train_dataloader.dataset.type == 'DensePoseCOCODataset'
        assert (cfg.train_cfg.max_epochs, cfg.auto_scale_lr.base_batch_size) == (140, 256)
