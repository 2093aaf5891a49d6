"""Lines reach whoever reads them at once, also through a pipe."""
import io

import pytest

from mmqanet.utils import console


class Pipe(io.StringIO):
    """Keeps what was written before the last flush."""

    seen = ''

    def flush(self):
        self.seen = self.getvalue()


@pytest.mark.parametrize(('tell', 'stream'), [(console.say, 'stdout'), (console.complain, 'stderr')])
def test_a_line_is_there_as_soon_as_it_is_said(monkeypatch, tell, stream):
    pipe = Pipe()
    monkeypatch.setattr('sys.' + stream, pipe)
    tell('one\x1b[31m')
    assert pipe.seen == 'one\\x1b[31m\n'
    tell('two')
    assert pipe.seen.endswith('\ntwo\n')
