"""How much a parsing flickers: the share of a person's pixels whose class changes from one frame to the next."""
import numpy as np

from mmqanet.functional.association import class_changes
from mmqanet.structures import ParsingDataSample


class Flicker:
    """Counts frame by frame; a moving person's borders are not counted, as only pixels of both frames are compared."""

    def __init__(self) -> None:
        self.people: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def cut(self) -> None:
        """Forget everybody."""
        self.people = {}

    def add(self, sample: ParsingDataSample) -> tuple[int, int]:
        """Take a frame whose people have tracks: (pixels that change class, pixels in common) since the frame before."""
        found = sample.pred_instances
        people = {number: (found.label_maps[index].numpy(), found.offsets[index].numpy())
                  for index, number in enumerate(found.tracks.tolist()) if number}
        counts = [class_changes(*self.people[number], *people[number]) for number in people if number in self.people]
        self.people = people
        return sum(changed for changed, _ in counts), sum(common for _, common in counts)
