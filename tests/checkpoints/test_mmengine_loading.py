"""What mmengine's runner gets of a checkpoint: enough to go on, nothing that it would execute or delete."""
import pytest
import torch
from mmengine.config import Config
from mmengine.logging.history_buffer import HistoryBuffer
from mmengine.runner import CheckpointLoader

from mmqanet.checkpoints import downloads
from mmqanet.checkpoints.mmengine_loading import check_resumable, cleansed, install
from mmqanet.engine.changes import resume_from
from mmqanet.errors import DataError, InputError


@pytest.fixture
def content(tmp_path):
    """What mmengine's runner stores."""
    return dict(
        state_dict=dict(weight=torch.ones(2)), optimizer=dict(state={}, param_groups=[dict(lr=0.1)]),
        param_schedulers=[dict(last_step=3)],
        meta=dict(epoch=3, iter=30, seed=7, experiment_name='x_20260102_030405', time='20260102_030405',
                  mmengine_version='0.10', dataset_meta=dict(classes=('a', 'b')), cfg='model = dict()'),
        message_hub=dict(
            log_scalars={'train/loss': HistoryBuffer([1.0], [1])},
            runtime_info=dict(
                epoch=3, iter=30, best_score=0.5, keep_ckpt_ids=[1, 2], cfg='model = dict()', loop_stage='train',
                best_ckpt=f'{tmp_path}/best_mIoU_epoch_2.pth', last_ckpt=f'{tmp_path}/epoch_3.pth'),
            resumed_keys={'train/loss': True, 'epoch': True, 'cfg': True}))


def load(content, folder):
    torch.save(content, folder / 'epoch_3.pth')
    install()
    return CheckpointLoader.load_checkpoint(str(folder / 'epoch_3.pth'))


def test_training_can_go_on(content, tmp_path):
    found = load(content, tmp_path)
    assert found['optimizer'] == content['optimizer']
    assert found['param_schedulers'] == content['param_schedulers']
    assert found['meta'] == {key: value for key, value in content['meta'].items() if key != 'cfg'}
    hub = found['message_hub']
    assert hub['log_scalars']['train/loss'].mean() == 1.0
    assert hub['runtime_info'] == dict(
        epoch=3, iter=30, best_score=0.5, keep_ckpt_ids=[1, 2], best_ckpt=f'{tmp_path}/best_mIoU_epoch_2.pth')
    assert hub['resumed_keys'] == {'train/loss': True, 'epoch': True}
    check_resumable(str(tmp_path / 'epoch_3.pth'))


def test_what_mmengine_would_execute_is_left_out(content, tmp_path):
    content['meta'] |= dict(config='open("executed", "w")', hook_msgs=dict(best_ckpt='/x'), epoch='3')
    assert set(load(content, tmp_path)['meta']) == {
        'iter', 'seed', 'experiment_name', 'time', 'mmengine_version', 'dataset_meta'}


@pytest.mark.parametrize(('best', 'ids', 'kept'), [
    ('/home/me/photos', [1, '/../../x'], {}), ('../best_mIoU.txt', 'ab', {}), (3, None, dict(best_ckpt=3)),
    ('best_/..', [[1]], {}),
    ('/etc/best_mIoU_epoch_1.pth', [5], dict(best_ckpt='best_mIoU_epoch_1.pth', keep_ckpt_ids=[5]))])
def test_no_checkpoint_says_which_file_to_delete(content, tmp_path, best, ids, kept):
    content['message_hub']['runtime_info'] = dict(best_ckpt=best, keep_ckpt_ids=ids)
    found = cleansed(content, tmp_path / 'epoch_3.pth')['message_hub']['runtime_info']
    if isinstance(kept.get('best_ckpt'), str):
        kept['best_ckpt'] = str(tmp_path / kept['best_ckpt'])
    assert found == kept


@pytest.mark.parametrize(('damage', 'message'), [
    (dict(meta=3), 'its meta is not a dict'), (dict(meta=dict(iter=3)), r'meta\.epoch is not a count'),
    (dict(meta=dict(epoch=-1, iter=3)), r'meta\.epoch is not a count'),
    (dict(message_hub=[]), 'its message_hub is not of the kind'),
    (dict(message_hub=dict(log_scalars={}, runtime_info=[], resumed_keys={})), 'its message_hub is not of the kind'),
    (dict(optimizer=None), 'holds no optimizer'), (dict(state_dict=dict(a=3)), 'no weights by name'),
    (dict(state_dict=dict(a=torch.tensor([float('nan')]))), 'a holds NaN'),
    (dict(ema_state_dict=dict(a=torch.tensor([float('nan')]))), 'a holds NaN')])
def test_what_training_cannot_go_on_from_is_named(content, tmp_path, damage, message):
    torch.save({**content, **damage}, tmp_path / 'odd.pth')
    cfg = Config(dict(work_dir=str(tmp_path)))
    with pytest.raises(DataError, match=rf'odd\.pth: .*{message}'):
        resume_from(cfg, str(tmp_path / 'odd.pth'))
    assert 'resume' not in cfg


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Downloads that copy a file of weights; yields it and the list of what was asked for."""
    source, asked = tmp_path / 'source.pth', []
    torch.save(dict(state_dict={'backbone.weight': torch.ones(2), 'head.weight': torch.ones(1)}), source)

    def download(url, path, progress):
        asked.append(url)
        with open(path, 'wb') as file:
            file.write(source.read_bytes())

    monkeypatch.setattr(downloads, 'download_url_to_file', download)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    install()
    return source, asked


def test_addresses_are_fetched_once_and_read_as_data(fetched, tmp_path):
    _, asked = fetched
    for _ in range(2):
        content = CheckpointLoader.load_checkpoint('https://example.org/a/x%20y.pth?token=1')
        assert set(content['state_dict']) == {'backbone.weight', 'head.weight'}
    assert asked == ['https://example.org/a/x%20y.pth?token=1']
    assert [path.name for path in (tmp_path / 'hub/checkpoints').iterdir()] == ['x y.pth']


def test_aliases_of_mmengine_are_known(fetched, monkeypatch):
    _, asked = fetched
    tables = downloads.tables
    monkeypatch.setattr(tables, 'get_torchvision_models', lambda: {'resnet50': 'https://example.org/r50.pth'})
    for name in ('open-mmlab://resnet50_v1c', 'openmmlab://resnet50_v1c', 'torchvision://resnet50', 'mmcls://resnet50'):
        found = CheckpointLoader.load_checkpoint(name)['state_dict']
        assert set(found) == ({'weight'} if name.startswith('mmcls') else {'backbone.weight', 'head.weight'})
    assert asked[0] == tables.get_external_models()['resnet50_v1c']
    with pytest.raises(InputError, match='open-mmlab://none: mmengine knows no model of this name'):
        CheckpointLoader.load_checkpoint('open-mmlab://none')


class Payload:
    def __reduce__(self):
        return open, ('executed', 'w')


@pytest.mark.parametrize('name', ['http://x.y/z.pth', 'https://x.y/..', 'open-mmlab://resnet50_v1c', 'mmcls://resnet50'])
def test_what_is_fetched_executes_nothing(fetched, name, tmp_path, monkeypatch):
    source, _ = fetched
    monkeypatch.chdir(tmp_path)
    torch.save(dict(state_dict=Payload()), source)
    with pytest.raises(DataError, match=r'refused, loading it would execute code'):
        CheckpointLoader.load_checkpoint(name)
    assert not (tmp_path / 'executed').exists()


@pytest.mark.parametrize('name', ['s3://bucket/x.pth', 'a:s3://bucket/x.pth', 'petrel://x.pth', 'pavi://x', 'ftp://x/y.pth'])
def test_other_addresses_are_refused(fetched, name):
    with pytest.raises(InputError, match=r'mmqanet fetches nothing from .*; download the file and give its path'):
        CheckpointLoader.load_checkpoint(name)


def test_what_cannot_be_fetched_is_named(fetched, monkeypatch):
    def fail(*_, **__):
        raise OSError('no route to host')

    monkeypatch.setattr(downloads, 'download_url_to_file', fail)
    with pytest.raises(DataError, match=r'https://x\.y/z\.pth: cannot be downloaded \(no route to host\)'):
        CheckpointLoader.load_checkpoint('https://x.y/z.pth')
