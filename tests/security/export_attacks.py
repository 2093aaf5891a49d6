"""Exported models that are not what mmqanet wrote, and what the runtime beside them does with odd pictures and folders."""
import json
import os
import shutil
from functools import partial

import numpy as np
from attack import Attack
from data_attacks import pictures, png
from hostile_pickles import as_pickle, call, write

IDENTITY = 'abc'
SIDE = 16
META = dict(
    id=IDENTITY, classes=['background', 'hat'], palette=[[0, 0, 0], [9, 99, 199]], flip_pairs=[], input_size=[SIDE, SIDE],
    padding=1.0, sampler='align', min_region=0.0, pixel_score_thr=0.2, quality_weights=[1, 1, 3], bbox_score_thr=0.1,
    nms_iou_thr=0.5, instance_score_thr=0.01, calibration=None, detector=None)
COMMAND = 'mmqanet/deployment/runtime.py {dir}/a.png --model {dir}/model --out {out}'


def network(*, identity=IDENTITY, classes=2, change=lambda model: None):
    """The bytes of a parser that calls every dark pixel a hat."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node('Cast', ['crops'], ['given'], to=TensorProto.FLOAT),
        helper.make_node('ReduceMean', ['given', 'channels'], ['grey'], keepdims=1),
        helper.make_node('Div', ['grey', 'white'], ['bright']),
        helper.make_node('Sub', ['one', 'bright'], ['dark']),
        helper.make_node('Concat', ['bright', *['dark'] * (classes - 1)], ['probs'], axis=1),
        helper.make_node('ReduceMean', ['bright', 'others'], ['iou'], keepdims=0)]
    numbers = dict(channels=np.array([1]), others=np.array([1, 2, 3]), white=np.float32([[[[255]]]]),
                   one=np.float32([[[[1]]]]))
    graph = helper.make_graph(
        nodes, 'parser', [helper.make_tensor_value_info('crops', TensorProto.UINT8, ['n', 3, SIDE, SIDE])],
        [helper.make_tensor_value_info('probs', TensorProto.FLOAT, ['n', classes, SIDE, SIDE]),
         helper.make_tensor_value_info('iou', TensorProto.FLOAT, ['n'])],
        [numpy_helper.from_array(value, name) for name, value in numbers.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    if identity is not None:
        helper.set_model_props(model, {'mmqanet.id': identity})
    change(model)
    return model.SerializeToString()


def export(folder, **changes):
    """A small export and a picture."""
    (folder / 'model').mkdir()
    write(folder / 'model/meta.json', json.dumps(META | changes).encode())
    write(folder / 'model/parser.onnx', network())
    write(folder / 'a.png', png((40, 30)))


def evil(marker):
    return as_pickle(call('builtins', 'open', str(marker), 'w'))


def elsewhere(place):
    """Let the file say that a tensor lies in another file."""
    def change(model):
        from onnx import TensorProto

        tensor = next(one for one in model.graph.initializer if one.name == 'white')
        tensor.ClearField('raw_data')
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in dict(location=place, offset='0', length='4').items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value

    return change


def custom(model):
    model.graph.node[0].op_type = 'Evil'
    model.graph.node[0].domain = 'evil.so'


def circle(model):
    model.graph.node[0].input[0] = 'probs'


def other_input(model):
    model.graph.input[0].name = 'evil'
    model.graph.node[0].input[0] = 'evil'


def other_outputs(model):
    for output in model.graph.output:
        output.name = 'bright'


def floats(model):
    from onnx import TensorProto

    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def no_numbers(model):
    from onnx import numpy_helper

    tensor = next(one for one in model.graph.initializer if one.name == 'white')
    tensor.CopyFrom(numpy_helper.from_array(np.float32([[[[np.nan]]]]), 'white'))


def other_size(model):
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 99


METAS = {
    'no JSON': b'evil',
    'empty': b'',
    'bytes': b'\xff\xfe',
    'deep': b'[' * 100_000,
    'digits': b'{"id": ' + b'9' * 5000 + b'}',
    'a list': b'[]',
    'nothing': b'{}',
    'pickle': as_pickle(3),
}
LINE = dict(qualities=[0, 1], ious=[0, 1])
ENTRIES = {
    'id': (3, None, 'other', ['a']),
    'classes': (3, [], ['hat'], [1, 2], 'ab', ['a'] * 3, ['a\nb', 'c'], {'a': 1, 'b': 2}),
    'palette': (3, [], [[0, 0, 0]], [[0, 0, 0], [1, 2]], [[0, 0, 0], [1, 2, 3000]], [[0, 0, 0], ['a', 'b', 'c']], 'ab'),
    'input_size': (3, [0, 0], [-8, -8], [8], ['a', 'b'], [2**31, 2**31], [float('nan'), 3], [20000, 20000]),
    'padding': ('a', -1, 0, float('nan'), float('inf'), [1]),
    'sampler': ('evil', 3, None, ['warp']),
    'min_region': ('a', float('nan'), [1], -1),
    'pixel_score_thr': ('a', float('nan'), None),
    'quality_weights': (3, [], [0, 0, 0], [-1, 1, 1], ['a', 1, 1], [1, 1], [float('nan'), 1, 1]),
    'bbox_score_thr': ('a', [1]),
    'nms_iou_thr': ('a', None),
    'instance_score_thr': ('a', {}),
    'calibration': (3, [1], {'people': LINE}, {'people': LINE, 'parts': [LINE] * 3}, {'people': LINE, 'parts': [3]},
                    *({'people': dict(LINE, **line), 'parts': [LINE]} for line in (
                        dict(ious=[0]), dict(qualities=[1, 0]), dict(ious=[0, float('nan')]), dict(qualities='ab')))),
    'detector': (3, 'a', [1], {'id': 3}, {'id': 'x', 'scale': 'a'}),
}
NETWORKS = {
    'empty': lambda m: b'',
    'text': lambda m: b'evil',
    'pickle': evil,
    'cut': lambda m: network()[:-100],
    'without id': lambda m: network(identity=None),
    'of another model': lambda m: network(identity='other'),
    'more classes': lambda m: network(classes=5),
    'custom operator': lambda m: network(change=custom),
    'circle': lambda m: network(change=circle),
    'another input': lambda m: network(change=other_input),
    'other outputs': lambda m: network(change=other_outputs),
    'floats': lambda m: network(change=floats),
    'another size': lambda m: network(change=other_size),
    'no numbers': lambda m: network(change=no_numbers),
    'tensor outside': lambda m: network(change=elsewhere('../secret')),
    'tensor far away': lambda m: network(change=elsewhere('/etc/passwd')),
    'tensor in a device': lambda m: network(change=elsewhere('/dev/zero')),
    'tensor beside': lambda m: network(change=elsewhere('secret')),
    'tensor in a pipe': lambda m: network(change=elsewhere('pipe')),
    'tensor nowhere': lambda m: network(change=elsewhere('nowhere')),
}


def with_meta(content, path, marker):
    export(path.parent)
    write(path.parent / 'model/meta.json', content)


def with_entry(key, value, path, marker):
    export(path.parent, **{key: value})


def with_network(content, path, marker):
    export(path.parent)
    for place in ('secret', 'model/secret'):
        write(path.parent / place, np.float32([9]).tobytes())
    os.mkfifo(path.parent / 'model/pipe')
    write(path.parent / 'model/parser.onnx', content(marker))


def with_special(name, kind, path, marker):
    export(path.parent)
    place = path.parent / name
    place.unlink()
    dict(pipe=os.mkfifo, folder=os.mkdir, link=lambda place: os.symlink(place.name, place),
         device=lambda place: os.symlink('/dev/zero', place))[kind](place)


def with_picture(name, path, marker):
    export(path.parent)
    write(path.parent / 'a.png', pictures(marker)[name])


def with_layout(path, marker):
    """Pictures whose results would meet."""
    export(path.parent)
    for name in ('x/a.png', 'y/a.png', 'model/meta.jpg', 'x/parser.png', '\x1b[2J\n.png', 'b.json.png'):
        (path.parent / name).parent.mkdir(exist_ok=True)
        shutil.copy(path.parent / 'a.png', path.parent / name)


RUN = 'mmqanet/deployment/runtime.py --model {dir}/model'
LAYOUTS = {
    'over the picture': (f'{RUN} {{dir}}/a.png --out {{dir}}', False),
    'two of one name': (f'{RUN} {{dir}}/x/a.png {{dir}}/y/a.png --out {{out}}', False),
    'over the export': (f'{RUN} {{dir}}/model/meta.jpg --out {{dir}}/model', False),
    'the same picture twice': (f'{RUN} {{dir}}/a.png {{dir}}/a.png --out {{out}}', True),
    'out is a file': (f'{RUN} {{dir}}/a.png --out {{dir}}/x/a.png', False),
    'out below a file': (f'{RUN} {{dir}}/a.png --out {{dir}}/x/a.png/y', False),
    'a name that clears the screen': (f"{RUN} '{{dir}}/\x1b[2J\n.png' --out {{out}}", True),
    'a model that is none': ('mmqanet/deployment/runtime.py {dir}/a.png --model {dir}/x --out {out}', False),
    'export over a file': ('export --out {dir}/a.png', False),
    'export below a file': ('export --out {dir}/a.png/x', False),
    'export beside files of others': ('export --out {dir}/model', False),
    'threads below none': (f'{RUN} {{dir}}/a.png --threads -5 --out {{out}}', False),
    'threads without end': (f'{RUN} {{dir}}/a.png --threads 99999999999 --out {{out}}', False),
}


def attacks():
    def attack(kind, name, make, *, action=COMMAND, says='', passes=False):
        return Attack(kind, name, f'command {action}', make, passes, says=says, needs='onnx')

    for name, content in METAS.items():
        yield attack('meta files of exports', name, partial(with_meta, content), says='meta.json')
    for key, values in ENTRIES.items():
        for index, value in enumerate(values):
            says = 'parser.onnx' if (key, value) == ('id', 'other') else 'meta.json'
            yield attack('meta files of exports', f'{key} {index}', partial(with_entry, key, value), says=says)
    for name, content in NETWORKS.items():
        yield attack('networks of exports', name, partial(with_network, content), says='parser.onnx')
    for kind in ('pipe', 'folder', 'link', 'device'):
        yield attack('meta files of exports', kind, partial(with_special, 'model/meta.json', kind), says='meta.json')
        yield attack('networks of exports', kind, partial(with_special, 'model/parser.onnx', kind), says='parser.onnx')
        yield attack('pictures beside exports', kind, partial(with_special, 'a.png', kind), says='a.png')
    for name in pictures('x'):
        yield attack('pictures beside exports', name, partial(with_picture, name), says='a.png', passes=name == 'cut.png')
    for name, (line, passes) in LAYOUTS.items():
        yield attack('places of results beside exports', name, with_layout, action=line, passes=passes)
