"""A worker of a distributed run that is killed in the middle of a batch."""
import os
import signal
from pathlib import Path

from mmqanet.apis.batch.parsing import ParseIntoTables


class KillsOneActor(ParseIntoTables):
    """Ends its process, once in a run, when another batch is whole and the people of its own are written."""

    def __call__(self, batch):
        folder, write = Path(self.folder.address), self.folder._write

        def write_and_die(path, content):
            write(path, content)
            if path.startswith('people/') and (folder / 'pictures').is_dir() and not (folder / 'killed').exists():
                (folder / 'killed').touch()
                os.kill(os.getpid(), signal.SIGKILL)

        self.folder._write = write_and_die
        try:
            return super().__call__(batch)
        finally:
            self.folder._write = write
