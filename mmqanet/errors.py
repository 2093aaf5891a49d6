"""The errors mmqanet raises for bad input: one clear line that names the file, field or argument."""
import unicodedata


class MMQANetError(Exception):
    """Base of every error that mmqanet raises on purpose.

    What a terminal would obey instead of showing it, as names of files may hold it, is escaped in the message.
    """

    def __init__(self, message: object = '') -> None:
        super().__init__(printable(str(message), keep='\n'))


class DataError(MMQANetError):
    """A file or annotation of a data set cannot be used as it is; the message names it."""


class InputError(MMQANetError, ValueError):
    """An argument of a public function is out of its documented range; the message names it."""


def printable(text: str, *, keep: str = '') -> str:
    r"""A text with each character that shows nothing escaped: control characters, line ends, marks that turn the writing
    direction, and the bytes of a file name that is not UTF-8 (``\xff``). The characters in ``keep`` stay."""
    return ''.join(char if char.isprintable() or char in keep or unicodedata.category(char) == 'Zs' else _escaped(char)
                   for char in text)


def _escaped(char: str) -> str:
    undecoded = ord(char) - 0xDC00  # how Python carries a byte that the encoding of file names does not know
    return f'\\x{undecoded:02x}' if 0x80 <= undecoded <= 0xFF else char.encode('unicode_escape').decode()
