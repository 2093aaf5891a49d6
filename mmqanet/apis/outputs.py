"""Writing what was parsed: pictures to look at, maps and cut-outs for programs, one JSON a picture.

    NAME.json                  what ``describe`` says, and the ``files`` written; written last, so it vouches for the others
    NAME_overlay.jpg           the drawing
    NAME.png                   palette PNG, class per pixel
    submission/...             the challenge servers' files (mmqanet/evaluation/submission.py)
    people/NAME/ID.png         cut-outs of people, RGBA
    parts/NAME/ID_CLASS.png    cut-outs of parts, RGBA
    NAME.mp4, NAME.jsonl       of a video: the drawings, and a JSON line a frame

NAME may hold sub-folders.
"""
import io
import json
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from PIL import Image

from mmqanet.apis.inputs import Input
from mmqanet.apis.predictions import VERSION, Parsed, describe
from mmqanet.apis.videos import USUAL_FPS, TrackWriter, Video, VideoWriter
from mmqanet.errors import DataError, InputError
from mmqanet.evaluation.samples import read_submission_sample
from mmqanet.evaluation.submission import write_submission
from mmqanet.functional.rle import decode_rle
from mmqanet.utils.files import write_bytes
from mmqanet.utils.images import encode_jpeg
from mmqanet.visualization import draw_parsing, palette_image
from mmqanet.visualization.overlay import check_options

KINDS = ('overlay', 'palette', 'submission', 'people', 'parts')
DEFAULT_KINDS = KINDS[:3]


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

    def __post_init__(self):
        check_options(alpha=self.alpha, quality_thr=self.quality_thr)


DEFAULT_STYLE = OverlayStyle()


class ResultWriter:
    """Writes results below a folder; every file is whole or absent.

    Args:
        folder: made if need be.
        meta: ``classes`` and ``palette`` of the model.
        kinds: what to write besides the JSON, of ``KINDS``; of a video always the MP4 and the JSON lines alone.
        style: of the overlays.

    Raises:
        InputError: an unknown kind. DataError: the folder cannot be written to.
    """

    def __init__(self, folder: str | Path, *, meta: Mapping, kinds: Sequence[str] = DEFAULT_KINDS,
                 style: OverlayStyle = DEFAULT_STYLE):
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown:
            raise InputError(f'kinds: {unknown[0]!r} is none of {", ".join(KINDS)}')
        self.folder, self.meta, self.kinds, self.style = Path(folder), meta, tuple(kinds), style
        self.video: _VideoResult | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()
        except OSError as error:
            raise DataError(f'{self.folder}: this folder cannot be written to ({error.strerror})') from None

    def write(self, parsed: Parsed, drawing: np.ndarray | None = None) -> Path:
        """Write the result of one frame; its main file is returned.

        Args:
            parsed: the frame.
            drawing: (H', W', 3) uint8 BGR, where :meth:`draw` has made it already.

        Raises:
            DataError: a file cannot be written. InputError: the input's name leads out of the folder.
        """
        check_name(parsed.item)
        if not isinstance(parsed.item, Video):
            return self._write_picture(parsed, drawing)
        if self.video is None or self.video.item is not parsed.item:
            self.close()
            self.video = _VideoResult(self.folder, parsed)
        self.video.add(describe(parsed, self.meta), self.draw(parsed) if drawing is None else drawing)
        return self.video.path

    def draw(self, parsed: Parsed) -> np.ndarray:
        """The overlay in the style of this writer."""
        return draw(parsed, self.meta, style=self.style)

    def close(self) -> None:
        """Finish the video at hand."""
        if self.video is not None:
            video, self.video = self.video, None
            video.close()

    def is_done(self, item: Input) -> bool:
        """Whether all that would be written of an input is there, as an earlier run left it."""
        if isinstance(item, Video):
            return not item.is_camera and all(path.is_file() for path in planned_files(item, self.folder, self.kinds))
        try:
            described = json.loads((self.folder / f'{item.name}.json').read_text(encoding='utf-8'))
            written = described['files']
            return described['version'] == VERSION and set(self.kinds) <= set(written) and all(
                (self.folder / file).is_file() for files in written.values() for file in files)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def _write_picture(self, parsed: Parsed, drawing: np.ndarray | None) -> Path:
        name, sample = parsed.item.name, parsed.sample
        described = describe(parsed, self.meta)
        files: dict[str, list[str]] = {}
        if 'palette' in self.kinds:
            picture = palette_image(sample.pred_maps.category[0].cpu().numpy().astype(np.uint8), self.meta['palette'])
            files['palette'] = [self._save(f'{name}.png', png(picture, compress_level=1, compress_type=zlib.Z_RLE))]
        if 'overlay' in self.kinds:
            overlay = self.draw(parsed) if drawing is None else drawing
            files['overlay'] = [self._save(f'{name}_overlay.jpg', encode_jpeg(overlay))]
        if 'submission' in self.kinds:
            submission = read_submission_sample(sample.to_dict(), name=name)
            files['submission'] = [] if submission is None else [
                path.relative_to(self.folder).as_posix()
                for path in write_submission(self.folder / 'submission', name, submission)]
        for kind in {'people', 'parts'} & set(self.kinds):
            files[kind] = [self._save(f'{kind}/{name}/{label}.png', png(cut_out(parsed.frame.image, mask)))
                           for label, mask in _masks(described, kind)]
        content = json.dumps({**described, 'files': files}, indent=1, allow_nan=False, ensure_ascii=False)
        return self.folder / self._save(f'{name}.json', f'{content}\n'.encode())

    def _save(self, relative: str, content: bytes) -> str:
        write_bytes(self.folder / relative, content)
        return relative


class _VideoResult:
    """The MP4 and the JSON lines of one video, in the making."""

    def __init__(self, folder: Path, first: Parsed):
        self.item = first.item
        self.path, track = planned_files(self.item, folder, ())
        self.track = TrackWriter(track)
        try:
            self.drawings = VideoWriter(self.path, fps=first.frame.fps or USUAL_FPS)
        except DataError:
            self.track.discard()
            raise

    def add(self, described: dict, drawing: np.ndarray) -> None:
        self.drawings.add(drawing)
        self.track.add(described)

    def close(self) -> None:
        try:
            self.drawings.close()
        finally:
            self.track.close()


def planned_files(item: Input, folder: Path, kinds: Sequence[str]) -> list[Path]:
    """The files of an input whose names are known beforehand, its main file first."""
    if isinstance(item, Video):
        suffixes = ['.mp4', '.jsonl']
    else:
        suffixes = ['.json'] + ['.png'] * ('palette' in kinds) + ['_overlay.jpg'] * ('overlay' in kinds)
    return [folder / f'{item.name}{suffix}' for suffix in suffixes]


def check_name(item: Input) -> None:
    """Raise ``InputError`` for an input whose name would lead out of the output folder."""
    path = PurePosixPath(item.name.replace('\\', '/'))
    if not item.name or path.is_absolute() or '..' in path.parts or Path(item.name).is_absolute():
        raise InputError(f'{item.source}: results called {item.name!r} would lead out of the output folder')


def draw(parsed: Parsed, meta: Mapping, *, style: OverlayStyle = DEFAULT_STYLE) -> np.ndarray:
    """The overlay (H', W', 3) uint8 BGR of a parsed frame; a video's have no legend, so that all are of one size."""
    return draw_parsing(
        parsed.frame.image, parsed.sample, palette=meta['palette'], classes=meta['classes'], alpha=style.alpha,
        legend=style.legend and parsed.frame.index is None, part_labels=style.part_labels, quality_thr=style.quality_thr)


def show_image(image: np.ndarray, title: str, *, wait_time: float) -> None:
    """Show (H, W, 3) uint8 BGR in a window for ``wait_time`` seconds, or until a key is pressed (0)."""
    try:
        cv2.imshow(title, image)
        cv2.waitKey(round(1000 * wait_time))
    except cv2.error:
        raise InputError('show: no window can be opened here') from None


def png(picture: Image.Image, *, compress_level: int = 4, compress_type: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    """The bytes of a PNG file; run lengths (``Z_RLE``) suit label maps, as files are smaller and written faster."""
    buffer = io.BytesIO()
    picture.save(buffer, format='PNG', compress_level=compress_level, compress_type=compress_type)
    return buffer.getvalue()


def cut_out(image: np.ndarray, mask: np.ndarray) -> Image.Image:
    """The pixels of (H, W, 3) BGR inside a mask (H, W), as an RGBA picture of the mask's extent, transparent around it."""
    ys, xs = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    window = np.s_[ys[0]:ys[-1] + 1, xs[0]:xs[-1] + 1]
    alpha = mask[window].astype(np.uint8) * 255
    colours = image[window][..., ::-1] * mask[window][..., None]  # nothing of the surroundings hides under transparency
    return Image.fromarray(np.dstack([colours, alpha]))


def _masks(described: dict, kind: str) -> Iterator[tuple[str, np.ndarray]]:
    """Label and mask (H, W) of each visible person, or of each part."""
    for person in described['people']:
        masks = [decode_rle(part['rle']) for part in person['parts']]
        if kind == 'people':
            yield str(person['id']), np.any(masks, axis=0)
        else:
            for part, mask in zip(person['parts'], masks):
                yield f'{person["id"]}_{re.sub(r"[^0-9A-Za-z-]+", "-", part["name"])}', mask
