"""From the files that a visitor of the page gives to what the page shows and offers for download."""
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmqanet.apis import HumanParsingInferencer
from mmqanet.apis.inputs import Picture, find_inputs
from mmqanet.apis.layout import record_path
from mmqanet.apis.outputs import ResultWriter
from mmqanet.apis.predictions import Failed
from mmqanet.apis.records import read_record
from mmqanet.utils.wording import count_of

KINDS = ('palette', 'people', 'parts', 'report')
CUT_OUTS = ('people', 'parts')
DOWNLOADS = dict(report='Report (HTML)', label_maps='Label maps (PNG)', cut_outs='Cut-outs (PNG)', json='JSON')


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the page shows of a number of photos.

    Attributes:
        summary: a line.
        problems: a line each for what could not be parsed.
        report: the text of the HTML page to explore, ``None`` if nothing was parsed.
        downloads: paths of files to offer, by the kind of ``DOWNLOADS``.
    """

    summary: str
    problems: Sequence[str]
    report: str | None
    downloads: Mapping[str, Path]


def parse_photos(inferencer: HumanParsingInferencer, photos: Sequence[Any], folder: Path, *, batch_size: int = 4) -> Outcome:
    """Parse photos and write everything that the page offers.

    Args:
        inferencer: of the page.
        photos: paths or arrays (H, W, 3) uint8 RGB, as the page has them.
        folder: an empty one, for the files.
        batch_size: photos at a time.

    Raises:
        DataError: the folder cannot be written to.
    """
    items = find_inputs(photos, rgb=True)
    pictures = [item for item in items if isinstance(item, Picture)]
    problems = [f'{Path(item.source).name}: videos are for `mmqanet parse`' for item in items if item not in pictures]
    writer = ResultWriter(folder, label_set=inferencer.label_set, kinds=KINDS, given=inferencer.given)
    parsed = []
    for result in inferencer.stream(pictures, batch_size):
        if isinstance(result, Failed):
            problems.append(_without_folder(result))
        else:
            writer.write(result)
            parsed.append(result.item)
    if not parsed:
        return Outcome(summary='Nothing could be parsed.', problems=problems, report=None, downloads={})
    report, = writer.summarize(parsed)
    records = [read_record(folder / record_path(item.name)) or {} for item in parsed]
    people = sum(len(record['people']) for record in records)
    summary = f'{count_of(people, "person", "people")} in {count_of(len(parsed), "photo")}.' if people else (
        'Nobody was found.')
    files = [file for record in records for kind in CUT_OUTS for file in record['files'][kind]]
    return Outcome(summary=summary, problems=problems, report=report.read_text(encoding='utf-8'), downloads=dict(
        report=report, **_bundles(folder, names=[item.name for item in parsed], cut_outs=files)))


def _bundles(folder: Path, *, names: Sequence[str], cut_outs: Sequence[str]) -> dict[str, Path]:
    """Label maps, JSON and cut-outs: as they are where it is one file, else as ZIP archives."""
    bundles = {'label_maps': [f'{name}.png' for name in names], 'json': [record_path(name) for name in names],
               'cut_outs': list(cut_outs)}
    return {kind: folder / files[0] if len(files) == 1 else _zipped(folder, f'{kind}.zip', files)
            for kind, files in bundles.items() if files}


def _zipped(folder: Path, name: str, files: Sequence[str]) -> Path:
    place = folder / 'downloads' / name  # where no result lies
    place.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(place, 'w', compression=zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.write(folder / file, file)
    return place


def _without_folder(failed: Failed) -> str:
    """What went wrong, without the folder that uploads lie in."""
    source = failed.item.source
    return str(failed.error).replace(source, Path(source).name)
