"""Reading inputs in batches that are bounded in bytes."""
from collections.abc import Iterable, Iterator

from mmqanet.apis.inputs import Input
from mmqanet.apis.predictions import Failed, Parsed
from mmqanet.apis.videos import Frame
from mmqanet.errors import MMQANetError
from mmqanet.utils.memory import memory_left

IN_FLIGHT = 2**28  # bytes of pictures that a stage holds before it stops to read further ones: 7 photos of 12 megapixels

Read = tuple[Input, Frame] | Failed


def read_all(items: Iterable[Input]) -> Iterator[Read]:
    """Read the frames of all items, one after the other."""
    for item in items:
        try:
            for frame in item.frames():
                yield item, frame
                del frame
        except MMQANetError as error:
            yield Failed(item=item, error=error)


def in_flight() -> int:
    """Bytes of pictures that a stage holds before it stops to make further ones: hardly any where memory is limited, so that
    one is made after the other."""
    return IN_FLIGHT if memory_left() is None else 1


def batches(frames: Iterable[Read], size: int, *, budget: float | None = None) -> Iterator[list[Read]]:
    """Put ``size`` frames together, or fewer where they weigh the ``budget`` in bytes: 256 MiB by default, or a sixteenth of
    what is left where memory is limited."""
    if budget is None:
        left = memory_left()
        budget = IN_FLIGHT if left is None else min(IN_FLIGHT, left / 16)
    batch: list[Read] = []
    for read in frames:
        batch.append(read)
        del read
        if len(batch) == size or batch_weight(batch) >= budget:
            yield batch
            batch = []
    if batch:
        yield batch


def batch_weight(batch: Iterable[Read]) -> int:
    """Bytes of the pictures of a batch."""
    return sum(0 if isinstance(read, Failed) else read[1].image.nbytes for read in batch)


def result_weight(result: Parsed | Failed) -> int:
    """Bytes of a result's picture and maps."""
    if isinstance(result, Failed):
        return 0
    return result.frame.image.nbytes + sum(image_map.nbytes for image_map in result.sample.pred_maps.values())
