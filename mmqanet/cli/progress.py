"""What `mmqanet parse` tells while it works: a line for each input, a bar on terminals, a summary."""
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mmqanet.apis.inputs import Input
from mmqanet.apis.predictions import Failed, Parsed
from mmqanet.apis.videos import Video
from mmqanet.errors import printable
from mmqanet.utils.console import complain, say
from mmqanet.utils.wording import count_of


class ParsingProgress:
    """Counts frames, people and failures; a context manager.

    Args:
        total: frames to come; ``None`` where that is not known.
    """

    def __init__(self, total: int | None) -> None:
        self.frames = self.people = self.failed = 0
        self.last_failure: tuple[str, str] | None = None
        self.start = time.monotonic()
        self.video: tuple[Input, int, int, object] | None = None  # the video at hand, its frames, people and file
        terminal = Console(stderr=True)
        self.bar = Progress(
            TextColumn('parsing'), BarColumn(), MofNCompleteColumn(), TextColumn('{task.fields[rate]:.1f} people/s, ETA'),
            TimeRemainingColumn(), console=terminal, disable=not terminal.is_terminal, transient=True,
            redirect_stdout=sys.stdout.isatty())
        self.task = self.bar.add_task('parsing', total=total, rate=0.0)

    def __enter__(self) -> 'ParsingProgress':
        self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end_video()
        self.bar.stop()

    def done(self, parsed: Parsed, file: object) -> None:
        """A frame is parsed and written to ``file``."""
        people = len(parsed.sample.pred_instances)
        self.frames += 1
        self.people += people
        if isinstance(parsed.item, Video):
            if self.video is None or self.video[0] is not parsed.item:
                self.end_video()
                self.video = parsed.item, 0, 0, file
            self.video = parsed.item, self.video[1] + 1, self.video[2] + people, file
        else:
            self.end_video()
            say(printable(f'{parsed.item.source}: {count_of(people, "person", "people")} -> {file}'))
        self.bar.update(self.task, advance=1, rate=self.people / self.seconds())

    def fail(self, failed: Failed) -> None:
        """An input or frame failed; the frames of a video that fail in the same way count as one."""
        if self.last_failure != (failed.item.source, str(failed.error)):
            self.last_failure = failed.item.source, str(failed.error)
            self.failed += 1
            complain(printable(f'failed: {failed.error}'))
        self.bar.update(self.task, advance=1)

    def end_video(self) -> None:
        """Report on the video at hand, if any."""
        if self.video is not None:
            item, frames, people, file = self.video
            seen = f'{count_of(frames, "frame")}, {count_of(people, "person", "people")}'
            say(printable(f'{item.source}: {seen} in {"it" if frames == 1 else "them"} -> {file}'))
            self.video = None

    def forget_video(self) -> None:
        """Report nothing of the video at hand: there are no results of it."""
        self.video = None

    def seconds(self) -> float:
        """Seconds since the start, above 0."""
        return max(time.monotonic() - self.start, 1e-9)

    def summary(self) -> str:
        """One line on the whole run."""
        seconds = self.seconds()
        failures = f'; {self.failed} failed' if self.failed else ''
        frames, people = (count_of(self.frames, 'picture or frame', 'pictures or frames'),
                          count_of(self.people, 'person', 'people'))
        return f'{frames}, {people} in {seconds:.1f} s ({self.people / seconds:.1f} people/s){failures}'

