"""From boxes to crops: where the crops lie, how training varies that, and the one resampling at the end.

The random transforms only move the :class:`PersonCrop`; pixels are touched once, by :class:`WarpCrops`. All draw from
``numpy.random``, which the data set seeds for every sample. Order and distributions are the release's (docs/training.md).
"""
import cv2
import numpy as np
from mmcv.transforms import BaseTransform, Compose

from mmqanet.datasets.transforms.contracts import MultiScaleTransform
from mmqanet.errors import InputError
from mmqanet.functional.geometry import PersonCrop, aligned_average_weights
from mmqanet.functional.mirroring import swap_sides
from mmqanet.functional.tile_blending import tile_windows
from mmqanet.registry import TRANSFORMS

SAMPLERS = ('warp', 'align', 'auto')  # ways to make the pixels of a crop
MUCH_LARGER = 2.0  # image pixels in a row per pixel of the crop: interpolation skips some of more


@TRANSFORMS.register_module()
class BoxesToCrops(MultiScaleTransform):
    """Place a crop on every box, once for every scale.

    Required keys: bboxes ((N, 4) xyxy). Added keys: crops (list of N · S ``PersonCrop``, the scales of a person side by
    side).

    Args:
        input_size (tuple[int, int]): (width, height) of the crops.
        padding (float): factor on the window after its extension to the input's aspect ratio.
        scales (tuple[float, ...]): factors on the window for multi-scale testing; 1.1 shows the person smaller.
    """

    def __init__(self, *, input_size: tuple[int, int], padding: float = 1.25, scales: tuple[float, ...] = (1.0,)) -> None:
        super().__init__(scales=scales)
        width, height = input_size
        self.input_size = (width, height)
        self.padding = padding

    def transform(self, results: dict) -> dict:
        """Make the crops: of the first box at every scale, then of the next box."""
        results['crops'] = [
            PersonCrop.from_box(box, output_size=self.input_size, padding=self.padding).scaled(scale)
            for box in results['bboxes'] for scale in self.scales]
        return results


@TRANSFORMS.register_module()
class TileLargePeople(BaseTransform):
    """Place tiles on people who are much larger than their crops, to look at them a second time, from nearby.

    Required keys: bboxes, crops of :class:`BoxesToCrops`. Modified keys: crops (each person's tiles follow that person's
    own). Added keys: tiles (N numbers of tiles).

    Args:
        finer (float): a tile shows the box so many times as large as the crop at scale 1 does, at most as the image does.
        overlap (float): least share of a tile, in [0, 1), that its neighbour shows as well.

    Raises:
        InputError: ``finer`` is not above 1.
    """

    def __init__(self, *, finer: float = 2.0, overlap: float = 0.25) -> None:
        if not 1 < finer < np.inf:
            raise InputError(f'finer is {finer}, but must be above 1')
        self.finer, self.overlap = finer, overlap

    def transform(self, results: dict) -> dict:
        """Put the tiles of each person behind the crops of that person."""
        boxes, crops = results['bboxes'], results['crops']
        scales = len(crops) // max(len(boxes), 1)
        placed, results['tiles'] = [], []
        for index, box in enumerate(boxes):
            own = crops[index * scales:(index + 1) * scales]
            tiles = self._tiles(box, own[0])
            placed += [*own, *tiles]
            results['tiles'].append(len(tiles))
        results['crops'] = placed
        return results

    def _tiles(self, box: np.ndarray, crop: PersonCrop) -> list[PersonCrop]:
        zoom = max(np.divide(crop.size, crop.output_size))
        if zoom <= MUCH_LARGER:
            return []
        width, height = (max(zoom / self.finer, 1) * side for side in crop.output_size)
        return [PersonCrop(centre=((x1 + x2) / 2, (y1 + y2) / 2), size=(width, height), output_size=crop.output_size)
                for x1, y1, x2, y2 in tile_windows(box.tolist(), (width, height), overlap=self.overlap)]


@TRANSFORMS.register_module()
class RandomCropScale(BaseTransform):
    """Scale the window by clip(1 + std · N(0, 1), low, high).

    Modified keys: crops.
    """

    def __init__(self, *, std: float = 0.3, low: float = 0.7, high: float = 1.3) -> None:
        self.std, self.low, self.high = std, low, high

    def transform(self, results: dict) -> dict:
        """Scale the window by a random factor."""
        factor = np.clip(1 + self.std * np.random.standard_normal(), self.low, self.high)
        results['crops'] = [crop.scaled(float(factor)) for crop in results['crops']]
        return results


@TRANSFORMS.register_module()
class RandomCropRotation(BaseTransform):
    """With probability ``prob`` turn the window by clip(std · N(0, 1), ±limit) degrees.

    Modified keys: crops.
    """

    def __init__(self, *, std: float = 40.0, limit: float = 80.0, prob: float = 0.6) -> None:
        self.std, self.limit, self.prob = std, limit, prob

    def transform(self, results: dict) -> dict:
        """Turn the window by a random angle."""
        if np.random.random() < self.prob:
            degrees = np.clip(self.std * np.random.standard_normal(), -self.limit, self.limit)
            results['crops'] = [crop.rotated(float(degrees)) for crop in results['crops']]
        return results


@TRANSFORMS.register_module()
class RandomCropFlip(BaseTransform):
    """With probability ``prob`` mirror the crop; :class:`WarpCrops` then swaps the left and right labels.

    Modified keys: crops.
    """

    def __init__(self, *, prob: float = 0.5) -> None:
        self.prob = prob

    def transform(self, results: dict) -> dict:
        """Mirror the crop at random."""
        if np.random.random() < self.prob:
            results['crops'] = [crop.mirrored() for crop in results['crops']]
        return results


@TRANSFORMS.register_module()
class WarpCrops(BaseTransform):
    """Resample image (and, in training, the person's labels) into the crops; outside the image is 0.

    Required keys: img, crops, flip_pairs, gt_map (optional, only with a single crop).
    Added keys: crop_images ((N · S, h, w, 3) uint8), gt_seg_map ((h, w) uint8, where there is a gt_map), crop_sampler.

    Args:
        sampler (str): ``'warp'`` interpolates bilinearly at the crop's pixel centres; ``'align'`` averages over each output
            pixel as the release does at test time, for unrotated crops only. Both put a crop in the same place, and differ
            where the image is made smaller and at its border. ``'auto'`` averages people who are more than
            ``MUCH_LARGER`` times as large as in their crop, and interpolates the others.

    Raises:
        InputError: there is no such sampler.
    """

    def __init__(self, *, sampler: str = 'warp') -> None:
        if sampler not in SAMPLERS:
            raise InputError(f'sampler is {sampler!r}, but must be one of {", ".join(SAMPLERS)}')
        self.sampler = sampler

    def transform(self, results: dict) -> dict:
        """Cut the crops out of the image, and the labels of the single crop where there are some."""
        image, crops = results['img'], results['crops']
        results['crop_sampler'] = self.sampler
        width, height = crops[0].output_size if crops else (1, 1)
        results['crop_images'] = np.empty((len(crops), height, width, 3), dtype=np.uint8)
        for index, crop in enumerate(crops):
            results['crop_images'][index] = (align if self._averages(crop) else warp)(image, crop)
        if 'gt_map' in results:
            crop, = crops
            labels = warp(results['gt_map'], crop, interpolation=cv2.INTER_NEAREST)
            results['gt_seg_map'] = swap_sides(labels, results['flip_pairs']) if crop.flipped else labels
        return results

    def _averages(self, crop: PersonCrop) -> bool:
        if self.sampler == 'auto':
            return crop.rotation == 0 and max(np.divide(crop.size, crop.output_size)) > MUCH_LARGER
        return self.sampler == 'align'


@TRANSFORMS.register_module()
class TransformCrops(BaseTransform):
    """Apply another library's transforms of an image, such as ``mmseg.PhotoMetricDistortion``, to each crop.

    Modified keys: crop_images.

    Args:
        transforms (list[dict]): configs of transforms that read and write ``img`` and keep its shape and dtype.
    """

    def __init__(self, *, transforms: list[dict]) -> None:
        self.transforms = Compose(transforms)

    def transform(self, results: dict) -> dict:
        """Run the inner steps on every crop."""
        for crop in results['crop_images']:
            crop[:] = self.transforms(dict(img=crop))['img']
        return results


def warp(image: np.ndarray, crop: PersonCrop, interpolation: int = cv2.INTER_LINEAR) -> np.ndarray:
    """Sample (H, W[, 3]) at the pixel centres of the crop → (h, w[, 3])."""
    return cv2.warpAffine(image, crop.index_matrix(), crop.output_size, flags=interpolation, borderValue=0)


def align(image: np.ndarray, crop: PersonCrop) -> np.ndarray:
    """Average (H, W, 3) uint8 over the pixels of an unrotated crop, as RoIAlign does (``sampling_ratio=0, aligned=True``),
    rounded → (h, w, 3) uint8."""
    x1, y1, x2, y2 = crop.window
    width, height = crop.output_size
    rows = aligned_average_weights(y1, y2 - y1, height, image.shape[0])
    columns = aligned_average_weights(x1, x2 - x1, width, image.shape[1])
    seen_rows, seen_columns = _seen(rows), _seen(columns)  # no more of a large image is converted
    image, rows, columns = image[seen_rows, seen_columns], rows[:, seen_rows], columns[:, seen_columns]
    channels = [rows @ image[..., c].astype(np.float32) @ columns.T for c in range(image.shape[2])]
    sampled = np.stack(channels, axis=-1).round().clip(0, 255).astype(np.uint8)
    return sampled[:, ::-1] if crop.flipped else sampled


def _seen(weights: np.ndarray) -> slice:
    """The pixels that any of some bins (bins, pixels) reads."""
    read = np.flatnonzero(weights.any(axis=0))
    return slice(read[0], read[-1] + 1) if len(read) else slice(0, 0)
