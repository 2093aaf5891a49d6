"""Messages that a terminal shows as they are."""
import pickle

from mmqanet.errors import DataError, printable


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
