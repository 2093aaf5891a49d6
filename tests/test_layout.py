"""The shape of the house: imports point one way, every registry location imports, every shipped config builds."""
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import mmseg
import pytest
import torch
from mmengine import registry as root
from mmengine.config import Config
from mmengine.registry import DefaultScope, Registry
from mmengine.utils import digit_version

import mmqanet.registry
from mmqanet.engine.config import inner_datasets
from mmqanet.registry import MODELS, TRANSFORMS

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / 'mmqanet'
LAYERS = dict(
    errors=0, version=0, utils=1, __init__=1, registry=1, functional=2, structures=3,
    models=4, datasets=4, evaluation=4, visualization=4, checkpoints=4,
    preparation=5, engine=5, exports=5, deployment=5, apis=6, analysis=6, ui=7, cli=8, __main__=9)
TOOLS_ONLY = {'preparation'}  # no module that runs a model imports these
CONFIGS = sorted(path for path in (REPO / 'configs').rglob('*.py') if '_base_' not in path.parts)
DETECTORS = [path for path in CONFIGS if path.parent.name == 'detection']
SEGMENTERS = [path for path in CONFIGS if path.parent.name == 'instance_segmentation']
PARSERS = [path for path in CONFIGS if path not in DETECTORS + SEGMENTERS]
REGION_BASED = [path for path in PARSERS if path.parent.name in ('parsing_rcnn', 'rp_rcnn')]


def imports(path: Path) -> set[str]:
    """Modules of mmqanet and of others that a file imports, also inside functions."""
    return module_names(ast.parse(path.read_text(encoding='utf-8')))


def module_names(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'relative import of {node.module}'
            names.add(node.module)
    return names


@pytest.mark.parametrize('path', sorted(PACKAGE.rglob('*.py')), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    own = path.relative_to(PACKAGE).with_suffix('').parts[0]
    for name in imports(path):
        package, _, rest = name.partition('.')
        if package == 'mmqanet' and rest:
            layer = rest.split('.')[0]
            assert layer == own or LAYERS[layer] < LAYERS[own], f'{path} imports {name}'
            assert layer == own or layer not in TOOLS_ONLY, f'{path} imports {name}'


def test_mmdet_is_for_one_room_that_nobody_else_enters():
    room = PACKAGE / 'models/on_mmdet'
    for path in sorted(set(PACKAGE.rglob('*.py')) - set(room.iterdir())):
        tree = ast.parse(path.read_text(encoding='utf-8'))
        outside = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
        assert not any(name.split('.')[0] == 'mmdet' for name in module_names(outside)), path
        assert not any(name.startswith('mmqanet.models.on_mmdet') for name in imports(path)), path


@pytest.mark.parametrize('path', sorted((PACKAGE / 'functional').glob('*.py')), ids=lambda path: path.name)
def test_the_maths_needs_torch_and_numpy_only(path):
    foreign = {name.split('.')[0] for name in imports(path)} - set(sys.stdlib_module_names)
    assert foreign <= {'torch', 'numpy', 'mmqanet'}


def test_every_registry_location_imports():
    registries = [value for value in vars(mmqanet.registry).values() if isinstance(value, Registry)]
    assert len(registries) > 15
    for registry in registries:
        if registry.scope == 'mmqanet':
            registry.import_from_location()
    assert {'QANet', 'SemanticFPN', 'ParsingHead', 'IoUHead', 'QualityAwarePostprocessor'} <= set(MODELS.module_dict)


@pytest.mark.parametrize('path', PARSERS, ids=lambda path: str(path.relative_to(REPO / 'configs')))
def test_every_config_builds(path):
    if path in REGION_BASED:
        pytest.importorskip('mmdet')
    cfg = Config.fromfile(path)
    cfg.model.backbone.init_cfg = None
    with DefaultScope.overwrite_default_scope('mmqanet'):
        with torch.device('meta' if path in REGION_BASED else 'cpu'):
            model = MODELS.build(cfg.model)
        loaders = cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader
        for dataset in (inner for loader in loaders for inner in inner_datasets(loader.dataset)):
            meta = mmqanet.registry.DATASETS.get(dataset.type).METAINFO
            assert len(meta['classes']) == len(meta['palette']) == getattr(model, 'parsing_head', model).num_classes
            for step in dataset.pipeline:
                TRANSFORMS.build(step)
        mmqanet.registry.METRICS.build(cfg.val_evaluator)
        for hook in (*cfg.default_hooks.values(), *cfg.get('custom_hooks', ())):
            mmqanet.registry.HOOKS.build(hook)
            assert 'ema_type' not in hook or hook.ema_type in MODELS, hook.ema_type


@pytest.mark.parametrize('path', DETECTORS, ids=lambda path: path.name)
def test_every_detector_config_builds(path):
    pytest.importorskip('mmdet')
    cfg = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope('mmdet'), torch.device('meta'):
        model = root.MODELS.build(cfg.model)
        assert model.bbox_head.num_classes == 1
        trained = cfg.train_dataloader.dataset
        joined = [part.get('dataset', part) for part in trained.get('datasets', [trained])]  # some are repeated
        for dataset in (*joined, cfg.val_dataloader.dataset, cfg.test_dataloader.dataset):
            assert dataset.metainfo.classes == ('person',)
            assert root.DATASETS.build(dict(dataset, lazy_init=True)).metainfo['classes'] == ('person',)
        root.METRICS.build(cfg.val_evaluator)
        for hook in (*cfg.default_hooks.values(), *cfg.custom_hooks):
            root.HOOKS.build(hook)


@pytest.mark.parametrize('path', SEGMENTERS, ids=lambda path: path.name)
def test_every_segmenter_config_builds_with_a_quality_aware_head(path):
    pytest.importorskip('mmdet.models')
    cfg = Config.fromfile(path)
    with DefaultScope.overwrite_default_scope(cfg.default_scope), torch.device('meta'):
        if isinstance(cfg.model.backbone.get('init_cfg'), dict):
            cfg.model.backbone.init_cfg = None
        model = root.MODELS.build(cfg.model)
        assert any(hasattr(module, 'quality') for module in model.modules())
        trained = cfg.train_dataloader.dataset
        while 'dataset' in trained:
            trained = trained.dataset
        for dataset in (trained, cfg.test_dataloader.dataset):
            root.DATASETS.build(dict(dataset, lazy_init=True))


WITHOUT_OPS = """
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec
PathFinder.find_spec = lambda name, path=None, target=None: (
    None if name.split('.')[0] == 'mmdet' or name == 'mmcv._ext' else find_spec(name, path, target))
import mmqanet.apis, mmqanet.datasets, mmqanet.engine, mmqanet.evaluation, mmqanet.cli.main
from mmengine.config import Config
model = mmqanet.apis.init_model(Config.fromfile('configs/toy/qanet_r18_toy.py'))
import numpy as np
import torch
batch = torch.randn(2, 3, 64, 48), torch.randint(0, 20, (2, 64, 48))
logits, iou = model.train()(batch[0])
sum({**model.parsing_head.loss(logits, batch[1]), **model.iou_head.loss(iou, logits, batch[1])}.values()).backward()
model.eval()
sample, = mmqanet.apis.inference_topdown(model, np.zeros((64, 48, 3), np.uint8), np.array([[4, 4, 40, 60]]))
detector = mmqanet.apis.init_detector(
    Config.fromfile('configs/detection/fcos_efficientnet-lite0_person_crowds.py'), score_thr=0)
(boxes, scores), = detector.detect([np.zeros((64, 48, 3), np.uint8)])
shipped = mmqanet.apis.HumanParsingInferencer(device='cpu')
found, = shipped([np.zeros((64, 48, 3), np.uint8)], boxes='image', return_datasamples=True)['predictions']
print('people', len(sample.pred_instances), len(found.pred_instances), 'scores', scores.shape == (len(boxes),))
"""


def test_the_parsing_path_needs_neither_mmdet_nor_compiled_operators():
    if digit_version(mmseg.__version__) < digit_version('1.3'):
        pytest.skip(f'mmseg {mmseg.__version__} itself imports the compiled operators of mmcv')
    done = subprocess.run(
        [sys.executable, '-c', WITHOUT_OPS], cwd=REPO, capture_output=True, text=True,
        env=dict(os.environ, PYTHONPATH=str(REPO)))
    assert 'people 1 1 scores True' in done.stdout, done.stderr[-2000:]


@pytest.mark.parametrize('page', [REPO / 'README.md', REPO / 'CONTRIBUTING.md', *sorted((REPO / 'docs').rglob('*.md'))],
                         ids=lambda path: path.name)
def test_every_path_in_the_docs_exists(page):
    text = page.read_text(encoding='utf-8')
    links = re.findall(r'\]\((?!https?:)([^)#]+)', text)
    paths = re.findall(r'`?\b((?:mmqanet|configs|tools|tests|docs|benchmarks)/[\w./-]+)', text)
    for link in links:
        assert (page.parent / link).exists(), link
    for path in paths:
        assert (REPO / path.rstrip('.')).exists(), path


def test_every_test_file_has_a_name_of_its_own():
    """pytest imports them by it."""
    names = [path.name for path in (REPO / 'tests').rglob('test_*.py')]
    assert len(set(names)) == len(names)


PAGES = sorted([*REPO.glob('*.md'), *(REPO / 'docs').rglob('*.md'), REPO / 'mmqanet/weights/README.md'])


@pytest.mark.parametrize('path', PAGES, ids=lambda path: str(path.relative_to(REPO)))
def test_lines_of_text_are_short(path):
    """125 columns; lines with code and tables are as long as they are."""
    fenced = False
    for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), 1):
        if line.lstrip().startswith('```'):
            fenced = not fenced
        whole = fenced or '`' in line or line.lstrip().startswith(('|', '#', '!', '<')) or line.startswith('    ')
        assert whole or len(line) <= 125 or ' ' not in line.strip(), f'{path}:{number}'


#: Dataclasses that count as they go; all others are values and never change.
COUNTERS = {'SplitReport', 'Track', 'TrackSummary'}


def test_dataclasses_are_frozen_unless_they_count():
    unfrozen = set()
    for path in PACKAGE.rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
            for decorator in node.decorator_list if isinstance(node, ast.ClassDef) else ():
                options = {keyword.arg: ast.unparse(keyword.value) for keyword in getattr(decorator, 'keywords', ())}
                if ast.unparse(decorator).startswith('dataclass') and options.get('frozen') != 'True':
                    unfrozen.add(node.name)
    assert unfrozen == COUNTERS
