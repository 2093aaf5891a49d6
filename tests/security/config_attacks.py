"""Checkpoints that are data, but whose config would do something."""
import copy
from functools import partial
from pathlib import Path

import torch
from attack import Attack
from hostile_configs import ENTRIES, IGNORED, PLACES, REFUSED, SILENT, SUPPRESSIONS, TEXTS, TYPES, python
from mmengine.config import Config

from mmqanet.checkpoints.literals import parse_literals

DETECTOR = Path(__file__).parents[2] / 'configs/detection/fcos_efficientnet-lite0_person_crowds.py'


def good_checkpoint(path):
    """A good checkpoint, which lies beside all, and its config."""
    content = torch.load(path.with_name('good.pth'), weights_only=True)
    return content, parse_literals(content['meta']['cfg'])


def as_lines(cfg):
    """A config as text, as mmengine's ``pretty_text`` but for the layout, which takes it long."""
    return '\n'.join(f'{key} = {value!r}' for key, value in cfg.items())


def with_config(path, cfg):
    content, _ = good_checkpoint(path)
    content['meta']['cfg'] = cfg
    torch.save(content, path)


def with_type(kind, arguments, place, as_text, path, marker):
    """A type at a place of the model, which is a list of keys."""
    _, cfg = good_checkpoint(path)
    parent, key = cfg, 'model'
    for inner in place:
        parent, key = parent[key], inner
    parent[key] = dict(type=kind, **arguments(marker))
    with_config(path, as_lines(cfg) if as_text else cfg)


def with_text(text, path, marker):
    with_config(path, f"model = dict(type='QANet')\n{text.replace('{code}', python(marker))}\n")


def with_entries(change, path, marker):
    _, cfg = good_checkpoint(path)
    with_config(path, {**cfg, **change(marker)})


def with_backbone(entry, path, marker):
    _, cfg = good_checkpoint(path)
    cfg['model']['backbone'].update(copy.deepcopy(entry))
    with_config(path, cfg)


def with_suppression(name, path, marker):
    cfg = Config.fromfile(DETECTOR).to_dict()
    cfg['model']['test_cfg']['nms'] = dict(type=name, iou_threshold=0.5)
    torch.save(dict(state_dict={}, meta=dict(cfg=as_lines(cfg))), path)


def attacks():
    for index, (kind, arguments) in enumerate(TYPES.items()):
        make = partial(with_type, kind, arguments, PLACES[index % len(PLACES)], bool(index % 2))
        yield Attack('types in a stored config', f'{index}.pth', 'parser', make)
    for name, text in TEXTS.items():
        yield Attack('code in a stored config', f'{name}.pth', 'parser', partial(with_text, text))
    for passes, changes in ((True, IGNORED), (False, REFUSED)):
        for name, change in changes.items():
            yield Attack('entries of a stored config', f'{name}.pth', 'parser', partial(with_entries, change), passes)
    for passes, entries in ((False, ENTRIES), (True, SILENT)):
        for name, entry in entries.items():
            yield Attack('arguments in a stored config', f'{name}.pth', 'parser', partial(with_backbone, entry), passes)
    for index, name in enumerate(SUPPRESSIONS):
        make = partial(with_suppression, name)
        yield Attack('arguments in a stored config', f'nms {index}.pth', 'detector', make)
