"""COCO's compressed run-length encoding of masks, without the compiled pycocotools.

Runs are counted down the columns, background first. From the third run on, what is written is the difference to the run
two before; numbers are cut into groups of 5 bits, lowest first, bit 6 says that another group follows, and each group
plus 48 is a character. The sign of the last group's highest bit is the number's.
"""
import numpy as np

from mmqanet.errors import InputError

LONGEST_RUN = 60  # bits


def encode_rle(mask: np.ndarray, *, offset: tuple[int, int] = (0, 0),
               image_shape: tuple[int, int] | None = None) -> dict:
    """A (H, W) mask (non-zero = inside) → ``{'size': [H, W], 'counts': str}``, as pycocotools writes it.

    Args:
        mask: of the image, or a crop of it outside of which there is nothing.
        offset: (y, x) of the crop's first pixel in the image.
        image_shape: (H, W) of the image; the mask's by default.

    Raises:
        InputError: the crop leaves the image.
    """
    mask = np.asarray(mask).astype(bool)
    height, width = image_shape or mask.shape
    y, x = offset
    if y < 0 or x < 0 or y + mask.shape[0] > height or x + mask.shape[1] > width:
        raise InputError(f'offset: a mask {mask.shape} at {tuple(offset)} leaves the image of {height} x {width}')
    if mask.shape[0] < height:
        mask = np.pad(mask, ((0, 1), (0, 0)))  # so that no run goes on into the crop's next column
    flat = mask.ravel(order='F')
    changes = np.flatnonzero(np.diff(flat, prepend=False)) if flat.size else np.empty(0, np.int64)
    columns, rows = np.divmod(changes, max(mask.shape[0], 1))
    changes = (x + columns) * height + y + rows
    if flat.size and flat[-1]:
        changes = np.append(changes, (x + mask.shape[1]) * height)  # a crop as high as the image ends inside
    changes = changes[changes < height * width]
    runs = np.diff(changes, prepend=0, append=height * width)
    numbers = np.concatenate([runs[:3], runs[3:] - runs[1:-2]])
    return {'size': [height, width], 'counts': _characters(numbers)}


def decode_rle(rle: dict, *, image_shape: tuple[int, int] | None = None) -> np.ndarray:
    """``{'size': [H, W], 'counts': str}`` → (H, W) bool.

    Args:
        rle: the mask.
        image_shape: the (H, W) that it must have; of a mask from a stranger's file, which may be larger than memory.

    Raises:
        InputError: the runs do not add up to the size, or the size is another.
    """
    height, width = rle['size']
    if image_shape is not None and (height, width) != tuple(image_shape):
        raise InputError(f'size: a mask of {height}x{width}, and {image_shape[0]}x{image_shape[1]} is expected')
    runs: list[int] = []
    number, shift = 0, 0
    for character in rle['counts']:
        group = ord(character) - 48
        number |= (group & 31) << shift
        shift += 5
        if shift > LONGEST_RUN:
            raise InputError('counts: a run of more pixels than masks have')
        if not group & 32:
            if group & 16:
                number -= 1 << shift
            runs.append(number + runs[-2] if len(runs) > 2 else number)
            number, shift = 0, 0
    if sum(runs) != height * width or min(runs, default=0) < 0:
        raise InputError(f'counts: runs of {sum(runs)} pixels do not fill a mask of {height}x{width}')
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape((height, width), order='F')


def _characters(numbers: np.ndarray) -> str:
    """The characters of (N,) int64 numbers, one after the other; group by group of all numbers at once."""
    unfinished = np.ones(len(numbers), bool)
    columns = []
    while unfinished.any():
        groups = numbers & 31
        numbers = numbers >> 5
        more = numbers != -(groups >> 4)
        columns.append(np.where(unfinished, groups + 32 * more + 48, 0).astype(np.uint8))
        unfinished &= more
    codes = np.stack(columns, axis=1)
    return codes[codes > 0].tobytes().decode('ascii')
