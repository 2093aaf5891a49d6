"""Checkpoints whose weights, notes or address are not what they should be."""
from functools import partial

import torch
from attack import Attack
from config_attacks import DETECTOR, as_lines, good_checkpoint
from hostile_configs import python
from hostile_pickles import as_zip, call, write
from mmengine.config import Config

#: Addresses behind which a file lies that would execute something.
SCHEMES = (
    'https://x.y/a-1.pth',
    'http://x.y/a-2.pth',
    'https://x.y/',
    'https://x.y/..',
    'https://x.y/%2e%2e%2fa.pth',
    'open-mmlab://resnet50_v1c',
    'openmmlab://resnet18_v1c',
    'mmcls://resnet50',
    's3://x/a.pth',
    'petrel://x/a.pth',
    'pavi://x',
    'ftp://x.y/a.pth',
    'file:///etc/passwd',
    'open-mmlab://none',
)


def set_first(value):
    def change(content):
        state = content['state_dict']
        key = next(key for key, tensor in state.items() if tensor.is_floating_point())
        state[key] = value(state[key])

    return change


WEIGHTS = {
    'nan': set_first(lambda t: torch.full_like(t, float('nan'))),
    'one nan': set_first(lambda t: torch.cat([t.flatten()[1:], t.new_tensor([float('nan')])]).view_as(t)),
    'infinite': set_first(lambda t: t / 0),
    'complex': set_first(lambda t: t.to(torch.complex64)),
    'bool': set_first(lambda t: t > 0),
    'integers': set_first(lambda t: t.int()),
    'float8': set_first(lambda t: t.to(torch.float8_e4m3fn)),
    'a number': set_first(lambda t: 3.0),
    'a list': set_first(lambda t: t.tolist()),
    'a text': set_first(lambda t: 'evil'),
    'sparse': set_first(lambda t: t.to_sparse()),
    'another shape': set_first(lambda t: t[:1]),
    'scalar': set_first(lambda t: t.sum()),
    'expanded': set_first(lambda t: t.new_ones(1).expand(t.shape)),
    'twice': lambda c: c['state_dict'].update({f'module.{next(iter(c["state_dict"]))}': torch.ones(1)}),
    'number as name': lambda c: c['state_dict'].update({3: torch.ones(1)}),
    'one more': lambda c: c['state_dict'].update(evil=torch.ones(1)),
    'one less': lambda c: c['state_dict'].popitem(),
    'none': lambda c: c.update(state_dict={}),
    'list of weights': lambda c: c.update(state_dict=[torch.ones(1)]),
    'no dict': lambda c: c.update(state_dict=3),
    'meta': lambda c: c.update(meta=3),
    'meta list': lambda c: c.update(meta=['cfg']),
    'dataset_meta': lambda c: c['meta'].update(dataset_meta=3),
    'classes': lambda c: c['meta']['dataset_meta'].update(classes='abc'),
    'classes nameless': lambda c: c['meta']['dataset_meta'].update(classes=('', 'a')),
    'classes of line ends': lambda c: c['meta']['dataset_meta'].update(classes=('background', 'a\nb')),
    'classes of escapes': lambda c: c['meta']['dataset_meta'].update(classes=('background', 'a\x1b[2J')),
    'classes of lone halves': lambda c: c['meta']['dataset_meta'].update(classes=('background', '\ud800')),
    'classes without end': lambda c: c['meta']['dataset_meta'].update(classes=('background', 'a' * 10_000)),
    'classes too few': lambda c: c['meta']['dataset_meta'].update(classes=('background', 'a')),
    'classes numbers': lambda c: c['meta']['dataset_meta'].update(classes=(1, 2)),
    'palette': lambda c: c['meta']['dataset_meta'].update(palette=[(1, 2, 3000)]),
    'palette texts': lambda c: c['meta']['dataset_meta'].update(palette='random'),
    'flip_pairs': lambda c: c['meta']['dataset_meta'].update(flip_pairs=[(1, -2)]),
    'crop_sampler': lambda c: c['meta'].update(crop_sampler='evil'),
    'cfg number': lambda c: c['meta'].update(cfg=3),
    'cfg bytes': lambda c: c['meta'].update(cfg=b'import evil'),
    'cfg tensor': lambda c: c['meta'].update(cfg=torch.ones(3)),
}

#: Notes of hooks and of the run in a checkpoint that training goes on from.
NOTES = {
    'config': lambda c, p, m: c['meta'].update(config=python(m)),
    'cfg': lambda c, p, m: c['meta'].update(cfg=python(m)),
    'hook_msgs': lambda c, p, m: c['meta'].update(hook_msgs=dict(best_ckpt=str(p.with_name('victim.pth')))),
    'best_ckpt': lambda c, p, m: c['message_hub']['runtime_info'].update(best_ckpt=str(p.with_name('victim.pth'))),
    'best_ckpt of a folder': lambda c, p, m: c['message_hub']['runtime_info'].update(best_ckpt=str(p.with_name('victim'))),
    'best_ckpt far away': lambda c, p, m: c['message_hub']['runtime_info'].update(
        best_ckpt=str(p.with_name('victim') / 'best_x.pth')
    ),
    'best_ckpt relative': lambda c, p, m: c['message_hub']['runtime_info'].update(best_ckpt='victim.pth'),
    'last_ckpt': lambda c, p, m: c['message_hub']['runtime_info'].update(last_ckpt=str(p.with_name('victim.pth'))),
    'keep_ckpt_ids': lambda c, p, m: c['message_hub']['runtime_info'].update(
        keep_ckpt_ids=[f'x/../../../{p.with_name("victim.pth").name[:-4]}', 1, 2, 3]
    ),
    'runtime cfg': lambda c, p, m: c['message_hub']['runtime_info'].update(cfg=python(m), max_epochs=10**9),
    'scheduler': lambda c, p, m: c.update(param_schedulers=[dict(optimizer='evil', param_name='lr')]),
}
BROKEN_NOTES = {
    'message_hub': lambda c, p, m: c.update(message_hub=3),
    'runtime_info': lambda c, p, m: c['message_hub'].update(runtime_info=[1]),
    'epoch': lambda c, p, m: c['meta'].update(epoch='evil'),
    'negative epoch': lambda c, p, m: c['meta'].update(epoch=-3),
    'no meta': lambda c, p, m: c.pop('meta'),
    'no optimizer': lambda c, p, m: c.pop('optimizer'),
    'nan': lambda c, p, m: c['state_dict'].update(weight=torch.tensor([[float('nan')]])),
}


def with_weights(change, path, marker):
    content, _ = good_checkpoint(path)
    change(content)
    torch.save(content, path)


def nan_detector(path, marker):
    from mmqanet.models.detectors.light_fcos import LightFCOS

    cfg = Config.fromfile(DETECTOR)
    state = LightFCOS(cfg.model).half().state_dict()
    state['bbox_head.conv_cls.bias'].fill_(float('nan'))
    torch.save(dict(state_dict=state, meta=dict(cfg=as_lines(cfg.to_dict()))), path)


def with_notes(change, path, marker):
    from attack_worker import tiny_checkpoint

    content = tiny_checkpoint()
    change(content, path, marker)
    torch.save(content, path)


def fetched(path, marker):
    write(path, as_zip({'state_dict': call('os', 'system', f'touch {marker}')}))


def attacks():
    for name, change in WEIGHTS.items():
        yield Attack('weights', f'{name}.pth', 'parser', partial(with_weights, change))
    yield Attack('weights', 'detector nan.pth', 'detector', nan_detector)
    for passes, changes in ((True, NOTES), (False, BROKEN_NOTES)):
        for name, change in changes.items():
            yield Attack('notes for resuming', f'{name}.pth', 'resume', partial(with_notes, change), passes)
    for index, address in enumerate(SCHEMES):
        yield Attack('addresses', f'fetched {index}.pth', f'fetch {address}', fetched)
