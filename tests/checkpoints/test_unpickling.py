"""Pickles inside checkpoints: common data come back as they were, and nothing else is called."""
import collections
from fractions import Fraction

import numpy as np
import pytest
import torch
from mmengine.logging.history_buffer import HistoryBuffer
from torch.serialization import add_safe_globals, get_safe_globals

from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.errors import DataError


class Call:
    """Pickles as a call, with a state for what it returns."""

    def __init__(self, function, *arguments, state=None):
        self.parts = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self):
        return self.parts


def saved(folder, value):
    torch.save(dict(value=value), folder / 'x.pth')
    return folder / 'x.pth'


@pytest.mark.parametrize('value', [
    np.arange(6, dtype='i4').reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.array([], 'f4'),
    np.array([True, False]), np.array([1, 2], '>i8'), np.array(3.5), np.float64(0.5), np.int64(-3), np.bool_(True),
    np.zeros((2, 0, 3), 'u1'),
    *(np.array([0, 1, 100], kind) for kind in ('f2', 'f4', 'f8', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8'))])
def test_arrays_and_numbers_of_numpy_come_back(tmp_path, value):
    found = load_checkpoint_file(saved(tmp_path, value))['value']
    assert type(found) is type(value)
    assert found.dtype == value.dtype.newbyteorder('=')
    np.testing.assert_array_equal(found, value)


def test_containers_come_back_as_built_in_ones(tmp_path):
    shared = [1, 2.5, 'a', None, True, b'x']
    value = dict(a=shared, b=(shared, {1, 2}), c=collections.OrderedDict(d=torch.ones(2)), e=collections.Counter('aab'),
                 f=torch.Size([1, 2]))
    found = load_checkpoint_file(saved(tmp_path, value))['value']
    assert found['a'] is found['b'][0]
    assert type(found['e']) is dict
    assert found['f'] == (1, 2)
    assert type(found['f']) is tuple
    assert torch.equal(found['c'].pop('d'), torch.ones(2))
    assert {key: found[key] for key in 'abe'} == {key: value[key] for key in 'abe'}


def test_the_versions_of_layers_come_back(tmp_path):
    state = torch.nn.BatchNorm2d(2).state_dict()
    assert load_checkpoint_file(saved(tmp_path, state))['value']._metadata == state._metadata


def test_a_log_history_comes_back(tmp_path):
    history = HistoryBuffer([1.0, 2.0, 6.0], [1, 1, 2], max_length=7)
    found = load_checkpoint_file(saved(tmp_path, history))['value']
    assert type(found) is HistoryBuffer
    assert found.max_length == 7
    assert found.statistics('mean') == history.statistics('mean')


def history(log, counts, max_length=3):
    """A history that its constructor would not have made so."""
    made = HistoryBuffer([1.0], [1], max_length=3)
    vars(made).update(_log_history=log, _count_history=counts, max_length=max_length)
    return made


def rebuilt(shape, dtype, content):
    """An array of a shape and a type that its content need not have."""
    return Call(np._core.multiarray._reconstruct, np.ndarray, (0,), b'b', state=(1, shape, np.dtype(dtype), False, content))


MORE = r'refused, it holds more than data \('


@pytest.mark.parametrize(('value', 'reason'), [
    (Call(np.ndarray, (1,), np.dtype('O'), b'\x10\x20\x30\x40\x50\x60\x70\x00'), MORE + "an array of type 'O8'"),
    (Call(np.ndarray, (2, 2)), MORE + r'a call of numpy\.ndarray'), (Call(np.dtype, 'O'), MORE + "an array of type 'O'"),
    (np.dtype('O'), MORE + "an array of type 'O8'"), (np.array([{}], dtype=object), MORE + "an array of type 'O8'"),
    (np.array(['a']), MORE + "an array of type 'U1'"), (np.zeros(1, [('a', 'O')]), MORE + "an array of type 'V8'"),
    (np.array([1j]), MORE + "an array of type 'c16'"), (np.datetime64('2020-01-01'), MORE + "an array of type 'M8'"),
    (Call(np._core.multiarray.scalar, np.dtype('O'), {}), MORE + "an array of type 'O8'"),
    (Call(np._core.multiarray.scalar, 3, b'12345678'), MORE + 'a number of an unknown type'),
    (Call(np._core.multiarray.scalar, np.dtype('f8'), 'text'), MORE + 'an array out of a str'),
    (Call(np._core.multiarray.scalar, np.dtype('f8'), bytes(16)), r'not a whole checkpoint \(too many values'),
    (Call(np._core.multiarray._reconstruct, np.ndarray, (0,), b'b', state=(1, (1,), 'f8', False, bytes(8))),
     MORE + 'an array of an unknown type'),
    (rebuilt((2,), 'f8', [0, 1]), MORE + 'an array out of a list'),
    (rebuilt((2,), 'f8', b'short'), r'not a whole checkpoint \(buffer size'),
    (rebuilt((2**40,), 'f8', b'12345678'), r'not a whole checkpoint \(cannot reshape'),
    (Call(bytes, 10**6), MORE + 'a call of bytes'),
    (Call(getattr, HistoryBuffer, '__init__'), MORE + "getattr of '__init__'"),
    (Call(getattr, HistoryBuffer, 'update'), MORE + "getattr of 'update'"),
    (Call(HistoryBuffer.__new__, HistoryBuffer), r'refused, loading it would execute code \(.*GLOBAL object'),
    (Call(getattr, dict, 'mean'), r'refused, loading it would execute code \(.*GLOBAL dict'),
    *((history(*pair), MORE + 'a log history that is no pair of lists') for pair in (
        (np.ones(3), np.ones(2)), (np.ones((1, 2)), np.ones((1, 2))), (np.array(1.0), np.array(1.0)))),
    (history([1.0], np.ones(1)), r'not a whole checkpoint \('),
    (history(np.ones(1), np.ones(1), max_length='x'), r'not a whole checkpoint \(invalid literal'),
], ids=range(27))
def test_no_array_is_made_by_the_file(tmp_path, value, reason):
    path = tmp_path / 'x.pth'
    torch.save(dict(value=value), path)
    with pytest.raises(DataError, match=r'x\.pth: ' + reason):
        load_checkpoint_file(path)


class Own(torch.Tensor):
    pass


def test_uncommon_tensors_are_refused(tmp_path):
    torch.serialization.add_safe_globals([Own])
    try:
        for tensor in (torch.ones(2, 2).to_sparse(), torch.quantize_per_tensor(torch.ones(2), 1.0, 0, torch.quint8),
                       torch.nested.nested_tensor([torch.ones(1), torch.ones(2)]), torch.ones(2, device='meta'),
                       torch.ones(1).expand(10**6), torch.ones(2).as_subclass(Own)):
            with pytest.raises(DataError, match=r'x\.pth: refused'):
                load_checkpoint_file(saved(tmp_path, tensor))
    finally:
        torch.serialization.clear_safe_globals()


def test_attributes_of_tensors_are_dropped(tmp_path):
    tensor = torch.nn.Parameter(torch.ones(2))
    tensor.copy_ = 'odd'
    found = load_checkpoint_file(saved(tmp_path, tensor))['value']
    assert not vars(found)
    assert torch.equal(found, torch.ones(2))


def test_what_contains_itself_is_refused(tmp_path):
    loop = []
    loop.append(loop)
    with pytest.raises(DataError, match='contains itself'):
        load_checkpoint_file(saved(tmp_path, loop))
    path = tmp_path / 'deep.pth'
    path.write_bytes(b'\x80\x02' + b']' * 50_000 + b'a' * 49_999 + b'.')
    with pytest.raises(DataError, match=r'deep\.pth'):
        load_checkpoint_file(path)


def test_names_that_others_allow_do_not_count_and_stay(tmp_path):
    path = saved(tmp_path, Fraction(1, 3))
    before = get_safe_globals()
    add_safe_globals([Fraction])
    try:
        assert torch.load(path, weights_only=True)
        with pytest.raises(DataError, match=r'x\.pth: refused, loading it would execute code'):
            load_checkpoint_file(path)
        assert Fraction in get_safe_globals()
    finally:
        torch.serialization.clear_safe_globals()
        add_safe_globals(before)
