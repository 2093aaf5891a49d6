"""Ensembles, calibrations and label sets that a checkpoint names, second stages, averages, and tables of mirrors."""
import copy
import json
import math
import shutil
from functools import partial

import numpy as np
import torch
from attack import Attack
from config_attacks import good_checkpoint, with_config
from data_attacks import png
from hostile_pickles import as_pickle, as_zip, call, write
from scipy.io import savemat

LINE = dict(qualities=[0.1, 0.9], ious=[0.2, 0.8])
MEMBERS = {
    'a checkpoint': lambda model: [dict(checkpoint='good.pth')],
    'an evil checkpoint': lambda model: [dict(checkpoint='evil.pth', weight=1.0)],
    'an address': lambda model: [dict(checkpoint='https://127.0.0.1/x.pth')],
    'a config': lambda model: [dict(config='evil.py', checkpoint='evil.pth')],
    'a config alone': lambda model: [dict(config='evil.py')],
    'numbers as files': lambda model: [dict(config=3, checkpoint=4)],
    'a text': lambda model: 'mean',
    'a number': lambda model: 3,
    'numbers': lambda model: [3, 4],
    'nothing': lambda model: [],
    'empty ones': lambda model: [{}, {}],
    'nones': lambda model: [None],
    'a dict': lambda model: dict(a=model),
    'one of weight alone': lambda model: [dict(weight=1.0)],
    'a weight that is none': lambda model: [dict(weight=math.nan)],
    'some described': lambda model: [model, dict(checkpoint='good.pth')],
    'described': lambda model: [model, model],
    'ensembles': lambda model: [dict(type='ParserEnsemble', members=[model])],
    'detectors': lambda model: [dict(type='mmdet.FCOS')],
    'evil types': lambda model: [dict(type='evil.x')],
    'lists': lambda model: [[model]],
    'nested': lambda model: nested(model, 40),
}
ENTRIES = {
    'weights a word': dict(weights='mean'),
    'weights of others': dict(weights=[1.0]),
    'negative weights': dict(weights=[-1.0, 2.0]),
    'no weights': dict(weights=[0.0, 0.0]),
    'endless weights': dict(weights=[math.inf, 1.0]),
    'weights of lists': dict(weights=[[1.0], [2.0]]),
    'crops of a batch': dict(max_crops_per_batch=-3),
    'an evil processor': dict(postprocessor=dict(type='evil.x')),
}
CALIBRATIONS = {
    'a number': 3,
    'a word': 'mean',
    'nothing in it': {},
    'a list': [LINE],
    'no parts': dict(people=LINE, pooled=LINE),
    'parts a number': dict(people=LINE, pooled=LINE, parts=3),
    'parts of numbers': dict(people=LINE, pooled=LINE, parts=[3]),
    'too few parts': dict(people=LINE, pooled=LINE, parts=[LINE]),
    'no knots': dict(people=dict(qualities=[], ious=[]), pooled=LINE, parts=[]),
    'knots of words': dict(people=dict(qualities=['mean'], ious=['sum']), pooled=LINE, parts=[]),
    'knots that are none': dict(people=dict(qualities=[math.nan], ious=[0.5]), pooled=LINE, parts=[]),
    'knots beyond': dict(people=dict(qualities=[0.5], ious=[7.0]), pooled=LINE, parts=[]),
    'knots back': dict(people=dict(qualities=[0.5, 0.1], ious=[0.1, 0.2]), pooled=LINE, parts=[]),
    'knots of lists': dict(people=dict(qualities=[[0.5]], ious=[[0.5]]), pooled=LINE, parts=[]),
    'uneven knots': dict(people=dict(qualities=[0.5, 0.6], ious=[0.1]), pooled=LINE, parts=[]),
    'knots a number': dict(people=dict(qualities=0.5, ious=0.5), pooled=LINE, parts=[]),
}
DEFAULTS = {'a number': 3, 'a list': ['full'], 'none that is there': 'evil', 'of escapes': 'a\x1b[2J', 'long': 'a' * 1000}
HEADERS = {
    'header of 90 megabytes': lambda: (90_000_000).to_bytes(8, 'little') + b'{"a":' + b' ' * 1000,
    'notes deep': lambda: tensors(notes='[' * 100_000),
    'notes a list': lambda: tensors(notes='[]'),
    'notes no JSON': lambda: tensors(notes='evil'),
    'notes with code': lambda: tensors(notes=json.dumps(dict(cfg='import evil'))),
    'notes of digits': lambda: tensors(notes='9' * 5000),
    'notes of classes': lambda: tensors(notes=json.dumps(dict(dataset_meta=dict(classes=3)))),
    'a name of megabytes': lambda: tensors(name='a' * 5_000_000),
    'a name that is none': lambda: tensors(name=''),
    'many names': lambda: tensors(times=20_000),
}


def nested(model, depth):
    for _ in range(depth):
        model = dict(type='ParserEnsemble', members=[model])
    return [model]


def tensors(*, notes=None, name='a', times=1):
    header = {f'{name}{index}': dict(dtype='F32', shape=[1], data_offsets=[4 * index, 4 * index + 4])
              for index in range(times)}
    if notes is not None:
        header['__metadata__'] = dict(format='pt', mmqanet=notes)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, 'little') + text + bytes(4 * times)


def with_members(members, entries, path, marker):
    _, cfg = good_checkpoint(path)
    model = cfg['model']
    cfg['model'] = dict(type='ParserEnsemble', members=members(copy.deepcopy(model)), **entries)
    with_config(path, cfg)


def with_calibration(calibration, path, marker):
    _, cfg = good_checkpoint(path)
    cfg['model'].setdefault('postprocessor', {})['calibration'] = calibration
    with_config(path, cfg)


def with_default(value, path, marker):
    content, _ = good_checkpoint(path)
    content['meta']['default_classes'] = value
    torch.save(content, path)


def with_header(content, path, marker):
    write(path, content())


def evil_file(path, marker):
    write(path, as_zip({'state_dict': call('os', 'system', f'touch {marker}')}))
    write(path.parent / 'a.png', png((20, 30)))


def two_checkpoints(change, path, marker):
    """Copies of the good checkpoint, the second one changed."""
    content, _ = good_checkpoint(path)
    for name in ('one.pth', 'two.pth', 'x.pth.sha256'):
        shutil.copy(path.with_name('good.pth'), path.with_name(name))
    change(content)
    torch.save(content, path)


def first_weight(content, value):
    state = content['state_dict']
    key = next(key for key, tensor in state.items() if tensor.is_floating_point())
    state[key] = value(state[key])


CHANGES = {
    'no numbers': lambda content: first_weight(content, lambda t: t * float('nan')),
    'another shape': lambda content: first_weight(content, lambda t: t[:1]),
    'a text': lambda content: first_weight(content, lambda t: 'evil'),
    'one less': lambda content: content['state_dict'].popitem(),
    'a list': lambda content: content.update(state_dict=[1]),
    'a number': lambda content: content.update(state_dict=3),
    'sparse': lambda content: first_weight(content, lambda t: t.to_sparse()),
}
AVERAGE = 'tools/model_converters/average_checkpoints.py'
AVERAGES = {
    'over the first': f'{AVERAGE} {{dir}}/one.pth {{dir}}/two.pth {{dir}}/one.pth',
    'over the last by a link': f'{AVERAGE} {{dir}}/one.pth {{dir}}/good.pth {{dir}}/good.pth',
    'hash over one': f'{AVERAGE} {{dir}}/one.pth {{dir}}/x.pth.sha256 {{dir}}/x.pth',
    'over a folder': f'{AVERAGE} {{dir}}/one.pth {{dir}}/two.pth {{dir}}/victim',
    'below a file': f'{AVERAGE} {{dir}}/one.pth {{dir}}/two.pth {{dir}}/one.pth/x.pth',
    'of one': f'{AVERAGE} {{dir}}/one.pth {{out}}/x.pth',
    'share beyond': f'{AVERAGE} {{dir}}/one.pth {{dir}}/two.pth {{out}}/x.pth --share 7',
    'weights that are none': f'{AVERAGE} {{dir}}/one.pth {{dir}}/two.pth {{out}}/x.pth --weights nan 1',
}
PARSE = 'parse {dir}/a.png --checkpoint {dir}/good.pth --boxes image --device cpu --out {out}'
COMMANDS = {
    'second stage': f"{PARSE} --second-stage '{{path}}'",
    'second stage and config': f"{PARSE} --second-stage {{dir}}/nowhere.py '{{path}}'",
    'second stage of three': f"{PARSE} --second-stage a b '{{path}}'",
    'second stage a picture': f'{PARSE} --second-stage {{dir}}/a.png',
    'ensemble': "parse {dir}/a.png --boxes image --device cpu --out {out} --ensemble {dir}/good.pth '{path}'",
    'ensemble and checkpoint': f"{PARSE} --ensemble {{dir}}/good.pth '{{path}}'",
    'ensemble of no weights': 'parse {dir}/a.png --boxes image --device cpu --out {out} --ensemble {dir}/good.pth '
                              '--ensemble-weights nan',
    'label set': f"{PARSE} --classes 'evil\x1b[2J'",
    'label set of a file': f"{PARSE} --classes '{{path}}'",
}
MIRRORS = {
    'numbers': dict(U_transforms=np.ones((3, 3)), V_transforms=np.ones((3, 3))),
    'texts': dict(U_transforms='evil', V_transforms='evil'),
    'one table': dict(U_transforms=np.ones((24, 256, 256))),
    'cells of texts': dict(U_transforms=np.array(['a', 'b'], object), V_transforms=np.array(['a', 'b'], object)),
    'cells of cells': dict(U_transforms=np.array([np.array(['a'], object)] * 2 + [1], object), V_transforms=1),
    'a structure': dict(U_transforms=dict(a=1), V_transforms=dict(a=1)),
    'nothing': dict(U_transforms=np.zeros((0, 0)), V_transforms=np.zeros((0, 0))),
}


def with_tables(tables, path, marker):
    savemat(path, tables)


def with_bytes(content, path, marker):
    write(path, content(marker))


def attacks():
    for name, members in MEMBERS.items():
        yield Attack('ensembles in a stored config', f'{name}.pth', 'parser', partial(with_members, members, {}),
                     says=f'{name}.pth')
    for name, entries in ENTRIES.items():
        yield Attack('ensembles in a stored config', f'{name}.pth', 'parser', partial(
            with_members, lambda model: [model, model], entries), says=f'{name}.pth')
    for name, calibration in CALIBRATIONS.items():
        yield Attack('calibrations in a stored config', f'{name}.pth', 'parser', partial(with_calibration, calibration),
                     says=f'{name}.pth' if calibration else '', passes=not calibration)
    for name, value in DEFAULTS.items():
        yield Attack('second models and label sets', f'default {name}.pth', 'parser', partial(with_default, value))
    for name, content in HEADERS.items():
        yield Attack('files of tensors', f'{name}.safetensors', 'parser', partial(with_header, content), says='safetensors')
    for name, change in CHANGES.items():
        yield Attack('averages', f'{name}.pth', f"command {AVERAGE} {{dir}}/one.pth '{{path}}' {{out}}/x.pth",
                     partial(two_checkpoints, change), says=f'{name}.pth')
        yield Attack('averages', f'{name} first.pth', f"command {AVERAGE} '{{path}}' {{dir}}/one.pth {{out}}/x.pth",
                     partial(two_checkpoints, change), says='.pth')
    for name, line in AVERAGES.items():
        yield Attack('averages', name, f'command {line}', partial(two_checkpoints, lambda content: None))
    for name, line in COMMANDS.items():
        yield Attack('second models and label sets', f'{name}.pth', f'command {line}', evil_file)
    for name, tables in MIRRORS.items():
        yield Attack('tables of a body', f'{name}.mat', 'mirror', partial(with_tables, tables), says=f'{name}.mat')
    yield Attack('tables of a body', 'pickle.mat', 'mirror', partial(
        with_bytes, lambda marker: as_pickle(call('builtins', 'open', str(marker), 'w'))), says='pickle.mat')
