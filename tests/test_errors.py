"""Messages that a terminal shows as they are, and the lines that they name."""
import pickle
from pathlib import Path

import numpy as np
import pytest

from mmqanet.checkpoints.literals import parse_literals
from mmqanet.errors import DataError, printable
from mmqanet.evaluation.submission import read_submission
from mmqanet.preparation.converters.celebamask_hq import read_mapping
from mmqanet.structures.image_truth import read_part_table
from mmqanet.utils.files import read_rows, write_label_map


def test_what_a_terminal_would_obey_is_escaped():
    assert printable('a\x1b[31m\r\n\tb\x07') == r'a\x1b[31m\r\n\tb\x07'
    assert printable('x\udcff.png') == r'x\xff.png'
    assert printable('a‮gpj.exe') == r'a\u202egpj.exe'
    assert printable('Zoë 東京 🙂　z') == 'Zoë 東京 🙂　z'
    assert printable('two\nlines', keep='\n') == 'two\nlines'


def test_errors_hold_printable_text_also_after_pickling():
    error = pickle.loads(pickle.dumps(DataError('b_\udcff.png: \x1b[2Jbroken\nin two lines')))
    assert str(error) == 'b_\\xff.png: \\x1b[2Jbroken\nin two lines'
    str(error).encode()


def read_submitted(path: Path, wrong: str) -> None:
    """Four parts of one person, as a submission's tables."""
    folder = path.parent
    parts = np.arange(1, 5, dtype=np.uint8)[None]
    for kind, content in (('global_parsing', parts > 0), ('instance_segmentation', parts > 0), ('instance_parsing', parts)):
        write_label_map(folder / f'{kind}/a.png', content.astype(np.uint8))
    (folder / 'instance_segmentation/a.txt').write_text('0.5 0 0 1 4\n')
    (folder / 'instance_parsing/a.txt').write_text(f'1 0.5\n2 0.5\n{wrong}\n3 0.5\n')
    read_submission(folder, 'a', num_classes=5)


def read_table(path: Path, wrong: str) -> None:
    path.write_text(f'1 1 1\n2 2 1\n{wrong}\n4 2 1\n')
    read_part_table(path, np.arange(1, 5)[None], 'a.png', num_classes=5)


def read_numbers(path: Path, wrong: str) -> None:
    path.write_text(f'0.5\n1\n{wrong}\n2\n')
    read_rows(path, [float], 'score')


def read_celebamask(path: Path, wrong: str) -> None:
    path.write_text(f'idx orig_idx orig_file\n0 5 6.jpg\n{wrong}\n2 7 8.jpg\n')
    read_mapping(path)


@pytest.mark.parametrize(('read', 'wrong', 'reason'), [
    (read_numbers, 'x', 'is not "score"'), (read_numbers, '1 2', 'is not "score"'), (read_numbers, 'nan', 'holds NaN'),
    (read_numbers, '', 'is not "score"'), (read_table, '3 x 1', 'is not "instance_part_id'),
    (read_table, '3 5 1', r'class 5 is outside \[1, 5\)'), (read_table, '3 0 1', 'class 0 is outside'),
    (read_table, '2 2 1', 'part id 2 is listed twice'), (read_table, '-3 2 1', 'part id -3 is not positive'),
    (read_submitted, '5 0.5', r'class 5 is outside \[1, 5\)'), (read_submitted, '0 0.5', 'class 0 is outside'),
    (read_submitted, '1', 'is not "class_id score"'), (read_celebamask, '1', "'1' is not"),
    (read_celebamask, '1 -7 8.jpg', "'1 -7 8.jpg' is not"), (read_celebamask, 'a 7 8.jpg', "'a 7 8.jpg' is not")])
def test_a_message_names_the_third_line_where_that_is_wrong(read, wrong, reason, tmp_path):
    with pytest.raises(DataError, match=rf'/(instance_parsing/)?a\.txt:3: .*{reason}'):
        read(tmp_path / 'a.txt', wrong)


@pytest.mark.parametrize(('text', 'reason'), [
    ('a = 1\n\nb = f()\n', "line 3: 'f()' is no literal"), ('a = dict(\n    b=2,\n    c=g)\n', "line 3: 'g' is no literal"),
    ('a = 1\n\nimport os\n', 'line 3 is not "name = value"'), ('a = dict(\n    b=2,\n    **c)\n', 'line 3: "**"')])
def test_so_does_one_about_a_config(text, reason):
    with pytest.raises(ValueError, match='line') as caught:
        parse_literals(text)
    assert reason in str(caught.value)
