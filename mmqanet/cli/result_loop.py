"""What `mmqanet parse` does with each result: show it, write it, tell of it. What fails is told and stops nothing."""
import numpy as np

from mmqanet.apis.inputs import Input
from mmqanet.apis.outputs import ResultWriter
from mmqanet.apis.predictions import Failed, Parsed
from mmqanet.apis.videos import Video
from mmqanet.apis.windows import show_image
from mmqanet.cli.progress import ParsingProgress
from mmqanet.errors import DataError, MMQANetError
from mmqanet.utils.memory import is_out_of_memory

BLINK = 0.001  # seconds that a frame of a video is shown for at least


class ResultLoop:
    """Takes one result after the other.

    Args:
        writer: of the files.
        progress: tells.
        show: show each drawing in a window.
    """

    def __init__(self, writer: ResultWriter, progress: ParsingProgress, *, show: bool) -> None:
        self.writer, self.progress, self.show = writer, progress, show

    def take(self, result: Parsed | Failed) -> None:
        """Deal with a result; the video before it is finished."""
        item = result.item
        if self.writer.video is not None and self.writer.video.item is not item:
            self.finish_video()
        if isinstance(result, Failed):
            self.writer.lack(item)
            self.progress.fail(result)
        elif not (isinstance(item, Video) and item.unwanted.is_set()):
            try:
                self.progress.done(result, self.writer.write(result, self._shown(result)))
            except Exception as error:
                self._fail(item, error)

    def finish_video(self, *, complete: bool = True) -> None:
        """Finish the files of the video at hand, if any."""
        if self.writer.video is not None:
            item = self.writer.video.item
            try:
                self.writer.close(complete=complete)
            except Exception as error:
                self._fail(item, error)

    def _shown(self, parsed: Parsed) -> np.ndarray | None:
        """Show a drawing, and keep it for the writer."""
        if not self.show:
            return None
        drawing = self.writer.draw(parsed)
        show_image(drawing, parsed.item.source, wait_time=0 if parsed.frame.index is None else BLINK)
        return drawing

    def _fail(self, item: Input, error: Exception) -> None:
        """Tell of a result that could not be written; of a video no more frames are wanted."""
        if is_out_of_memory(error):
            error = DataError(f'{item.source}: not enough memory to write the results')
        if not isinstance(error, MMQANetError):
            raise error
        if isinstance(item, Video):
            item.unwanted.set()
            self.writer.abandon()
            self.progress.forget_video()
        self.progress.fail(Failed(item=item, error=error))
