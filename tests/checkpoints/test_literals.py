"""Text of a config is read as mmengine wrote it, and nothing of it is executed."""
import math

import pytest
from mmengine.config import Config

from mmqanet.checkpoints.literals import parse_literals

VALUES = dict(
    number=3, negative=-2.5, words='a "quoted" \\n word', nothing=None, yes=True, lists=[1, [2, (3,)]], empty={},
    nested=dict(type='ReLU', inner=dict(values=[dict(a=1), dict(b='c')])), odd_keys={'a.b': 1, 3: 4}, some={1, 2},
    paramwise_cfg=dict(custom_keys={'backbone.layer1': dict(lr_mult=0.1), 'neck': dict(lr_mult=2)}))


def test_what_mmengine_writes_is_read_back():
    assert parse_literals(Config(VALUES).pretty_text) == VALUES
    assert parse_literals('') == {}
    assert parse_literals('a = 1\na = 2') == dict(a=2)


def test_numbers_beyond_all_numbers():
    read = parse_literals('a = inf\nb = -inf\nc = nan\nd = dict(e=[nan])')
    assert (read['a'], read['b']) == (math.inf, -math.inf)
    assert math.isnan(read['c'])
    assert math.isnan(read['d']['e'][0])


@pytest.mark.parametrize('text', [
    'a = open("x")', 'a = b', 'a = [x for x in y]', 'a = 1 + 2', 'import os', 'a, b = 1, 2', 'a.b = 1', 'a: int = 1',
    'a += 1', 'print(1)', 'a = dict(1)', 'a = dict({}, b=1)', 'a = dict({}, {})', 'a = dict([(1, 2)])', 'a = list({})',
    'a = dict(**b)', 'a = {**b}', 'a = f"{b}"', 'a = lambda: 1', 'a = not 1', 'a = ~1',
    'a = list()', 'a = None if 1 else 2', 'a = b = 1'])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r'line 2(:| is not)'):
        parse_literals(f'\n{text}')


def test_text_of_more_than_a_million_characters_is_not_parsed():
    text = 'a = "' + 'x' * (10**6 - 6) + '"'
    assert len(parse_literals(text)['a']) == 10**6 - 6
    with pytest.raises(ValueError, match='a text of 1000001 characters'):
        parse_literals(text + '\n')
