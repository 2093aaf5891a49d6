"""The files of one parsed picture: drawing, palette PNG, challenge files, cut-outs."""
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from mmqanet.apis.layout import cut_out_folder, kind_paths
from mmqanet.apis.predictions import Parsed
from mmqanet.evaluation.samples import read_submission_sample
from mmqanet.evaluation.submission import write_submission
from mmqanet.functional.rle import decode_rle
from mmqanet.structures import LabelSet, ParsingDataSample
from mmqanet.utils.files import write_bytes
from mmqanet.utils.images import encode_jpeg
from mmqanet.utils.label_pngs import encode_label_map
from mmqanet.visualization import draw_parsing
from mmqanet.visualization.arrays import predicted
from mmqanet.visualization.overlay import BEYOND, check_options
from mmqanet.visualization.surface import iuv_picture, paint_texture


@dataclass(frozen=True, kw_only=True)
class OverlayStyle:
    """How overlays look; the attributes are those of :func:`mmqanet.visualization.draw_parsing`.

    Raises:
        InputError: a number is out of range.
    """

    alpha: float = 0.6
    part_labels: bool = True
    quality_thr: float = 0.0
    legend: bool = True

    def __post_init__(self) -> None:
        check_options(alpha=self.alpha, quality_thr=self.quality_thr)


DEFAULT_STYLE = OverlayStyle()


def draw(parsed: Parsed, label_set: LabelSet, *, style: OverlayStyle = DEFAULT_STYLE) -> np.ndarray:
    """The overlay (H', W', 3) uint8 BGR of a parsed frame; a video's have no legend, so that all are of one size."""
    return draw_parsing(
        parsed.frame.image, parsed.sample, label_set=label_set, alpha=style.alpha,
        legend=style.legend and parsed.frame.index is None, part_labels=style.part_labels, quality_thr=style.quality_thr)


def write_kinds(folder: Path, parsed: Parsed, described: Mapping, *, kinds: Sequence[str], label_set: LabelSet,
                drawing: np.ndarray | None, style: OverlayStyle = DEFAULT_STYLE,
                atlas: np.ndarray | None = None) -> dict[str, list[str]]:
    """Write the files of a picture.

    Args:
        folder: the output folder.
        parsed: the picture.
        described: what :func:`mmqanet.apis.predictions.describe` says of it.
        kinds: which files, of ``mmqanet.apis.layout.KINDS``.
        label_set: of the model.
        drawing: (H', W', 3) uint8 BGR, needed for the kind overlay.
        style: of the drawing of the kind second.
        atlas: as for :func:`mmqanet.visualization.surface.paint_texture`, needed for the kind texture.

    Returns:
        dict: the paths below the folder, by kind.
    """
    name, sample = parsed.item.name, parsed.sample
    files = {kind: kind_paths(kind, name) for kind in kinds}
    parsing = cache(lambda: predicted(sample))
    for kind in kinds:
        match kind:
            case 'palette':
                write_bytes(folder / files[kind][0], _palette_png(sample, label_set))
            case 'second' if parsed.second is None:
                files[kind] = []
            case 'second':
                assert parsed.second is not None
                second, classes = parsed.second.sample, parsed.second.label_set
                write_bytes(folder / files[kind][0], _palette_png(second, classes))
                write_bytes(folder / files[kind][1], encode_jpeg(draw_parsing(
                    parsed.frame.image, second, label_set=classes, alpha=style.alpha, legend=style.legend,
                    part_labels=style.part_labels, quality_thr=style.quality_thr)))
            case 'iuv':
                picture = iuv_picture(parsing())[..., ::-1]
                write_bytes(folder / files[kind][0], png(Image.fromarray(picture)))
            case 'texture':
                assert atlas is not None
                painted = paint_texture(parsed.frame.image, parsing(), atlas)
                write_bytes(folder / files[kind][0], encode_jpeg(painted))
            case 'overlay':
                assert drawing is not None
                write_bytes(folder / files[kind][0], encode_jpeg(drawing))
            case 'submission':
                submission = read_submission_sample(sample.to_dict(), name=name)
                if submission is None:
                    files[kind] = []
                else:
                    write_submission(folder / kind, name, submission)
            case 'people' | 'parts':
                for label, mask in _masks(described, kind):
                    files[kind].append(f'{cut_out_folder(kind, name)}/{label}.png')
                    write_bytes(folder / files[kind][-1], png(cut_out(parsed.frame.image, mask)))
    return files


def _palette_png(sample: ParsingDataSample, label_set: LabelSet) -> bytes:
    category = sample.pred_maps.category[0].cpu().numpy().astype(np.uint8)
    return encode_label_map(category, palette=label_set.colour_table(BEYOND))


def png(picture: Image.Image) -> bytes:
    """The bytes of a PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, format='PNG', compress_level=4)
    return buffer.getvalue()


def cut_out(image: np.ndarray, mask: np.ndarray) -> Image.Image:
    """The pixels of (H, W, 3) BGR inside a mask (H, W), as an RGBA picture of the mask's extent, transparent around it."""
    ys, xs = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    window = np.s_[ys[0]:ys[-1] + 1, xs[0]:xs[-1] + 1]
    alpha = mask[window].astype(np.uint8) * 255
    colours = image[window][..., ::-1] * mask[window][..., None]  # nothing of the surroundings hides under transparency
    return Image.fromarray(np.dstack([colours, alpha]))


def _masks(described: Mapping, kind: str) -> Iterator[tuple[str, np.ndarray]]:
    """Label and mask (H, W) of each visible person, or of each part."""
    for person in described['people']:
        masks = [decode_rle(part['rle']) for part in person['parts']]
        if kind == 'people':
            yield str(person['id']), np.any(masks, axis=0)
        else:
            for part, mask in zip(person['parts'], masks):
                yield f'{person["id"]}_{re.sub(r"[^0-9A-Za-z-]+", "-", part["name"])}', mask
