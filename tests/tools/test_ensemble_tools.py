"""The commands that test and study ensembles, on a few drawn people and networks that know nothing."""
import json
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from tool_runs import run, write_small_config

from mmqanet.apis import init_model
from mmqanet.errors import InputError
from mmqanet.preparation.toy import draw_toy_dataset

SIZE, SCALES = (f'test_dataloader.dataset.pipeline.2.{key}' for key in ('input_size', 'scales'))


@pytest.fixture(scope='module')
def bench(tmp_path_factory) -> Path:
    """A folder with data, a config, and one.pth and two.pth, which carry their configs and cut crops of two sizes."""
    root = tmp_path_factory.mktemp('ensemble')
    draw_toy_dataset(root / 'data', num_train=1, num_val=2, size=(96, 72), seed=0, num_workers=1, progress=False)
    write_small_config(root / 'config.py', root / 'data')
    for seed, (name, size) in enumerate((('one', (64, 96)), ('two', (96, 128)))):
        cfg = Config.fromfile(root / 'config.py')
        cfg.merge_from_dict({SIZE: size})
        torch.manual_seed(seed)
        model = init_model(cfg)
        model.parsing_head.classifier.weight.data *= 300
        meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(model.dataset_meta))
        torch.save(dict(state_dict=model.state_dict(), meta=meta), root / f'{name}.pth')
    return root


@pytest.fixture
def tested(bench, tmp_path, monkeypatch):
    """Metrics that tools/test.py writes."""
    def metrics(*arguments, config=bench / 'config.py'):
        run('test', config, *arguments, '--work-dir', tmp_path, '--out', tmp_path / 'out.json', monkeypatch=monkeypatch)
        return json.loads((tmp_path / 'out.json').read_text())
    return metrics


def test_an_ensemble_of_one_is_tested_as_the_parser_itself(bench, tested):
    plain = tested(bench / 'two.pth', '--tta', '--cfg-options', f'{SIZE}=(96,128)')
    assert tested('--ensemble', bench / 'two.pth', '--tta') == plain
    assert plain['crop_sampler'] == 'warp'
    assert 0 < plain['mIoU'] < 50


def test_members_are_tested_together_and_may_be_named_by_a_config(bench, tested, tmp_path):
    one, two, both = (tested('--ensemble', *(bench / f'{name}.pth' for name in names))
                      for names in (['one'], ['two'], ['one', 'two']))
    assert len({values['aAcc'] for values in (one, two, both)}) == 3
    members = [dict(checkpoint=str(bench / 'one.pth'), weight=0), dict(checkpoint=str(bench / 'two.pth'))]
    config = tmp_path / 'members.py'
    config.write_text(f"_base_ = '{bench}/config.py'\n"
                      f"model = dict(_delete_=True, type='ParserEnsemble', members={members})\n")
    weighed = tested(config=config)
    assert weighed['aAcc'] == pytest.approx(two['aAcc'], abs=0.5)  # borders apart, where classes tie within a pixel
    assert abs(weighed['aAcc'] - one['aAcc']) > 1


@pytest.mark.parametrize('tool', ['test', 'ablate_quality'])
def test_either_a_checkpoint_or_an_ensemble(bench, tmp_path, monkeypatch, tool):
    output = dict(test='--work-dir').get(tool, '--out')
    with pytest.raises(InputError, match='checkpoint: give one, or several after --ensemble'):
        run(tool, bench / 'config.py', output, tmp_path, monkeypatch=monkeypatch)
    with pytest.raises(InputError, match=r'one\.pth: an ensemble names all of its members; this checkpoint is not used'):
        run(tool, bench / 'config.py', bench / 'one.pth', output, tmp_path, '--ensemble', bench / 'two.pth',
            monkeypatch=monkeypatch)


def rows_of(folder, table):
    """The figures of a table of an ablation, by the first two labels of its rows."""
    tables = {table['name']: table for table in json.loads((folder / 'ablation.json').read_text())['tables']}
    return {tuple(row['label'][:2]): row['figures'] for row in tables[table]['rows']}


def test_a_study_has_the_members_and_one_with_as_much_augmentation(bench, tmp_path, monkeypatch, capsys):
    options = ('--workers', '1', '--grid-steps', '0')
    files = [str(bench / f'{name}.pth') for name in ('one', 'two')]
    run('ablate_quality', bench / 'config.py', '--ensemble', *files, '--out', tmp_path / 'both', *options,
        monkeypatch=monkeypatch)
    printed = capsys.readouterr().out
    assert 'ensemble, annotated boxes: 2 of 2 images parsed' in printed
    compared, own = rows_of(tmp_path / 'both', 'members'), rows_of(tmp_path / 'both', 'module')
    augmented = f'{files[0]} at 0.9, 1'
    assert [network for network, module in compared if module == 'with'] == ['ensemble', *files, augmented]
    for module in ('without', 'with'):
        assert compared['ensemble', module] == own['annotated', module]
        assert len({str(compared[network, module]) for network in ('ensemble', *files, augmented)}) == 4

    run('ablate_quality', bench / 'config.py', files[0], '--out', tmp_path / 'augmented', *options,
        '--cfg-options', f'{SIZE}=(64,96)', 'model.flip_test=True', f'{SCALES}=(1.0,0.9)', monkeypatch=monkeypatch)
    alone = rows_of(tmp_path / 'augmented', 'module')
    for module in ('without', 'with'):
        assert alone['annotated', module] == compared[augmented, module]

    monkeypatch.setattr('mmqanet.analysis.forward.Runner', None)  # no second forward pass
    with pytest.raises(InputError, match='another checkpoint'):
        run('ablate_quality', bench / 'config.py', '--ensemble', *files[::-1], '--out', tmp_path / 'both',
            *options, monkeypatch=monkeypatch)
