"""Scores as readable tables and as a JSON document."""
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mmqanet.evaluation.scores import MISSING_READINGS, ParsingScores
from mmqanet.functional.average_precision import PART_THRESHOLDS, threshold_column
from mmqanet.utils.wording import count_of

TITLES = {'APp': 'AP^p', 'PCP': 'PCP', 'APr': 'AP^r', 'APh': 'AP^h', 'rank_score': 'Rank score'}


def summary_table(scores: ParsingScores) -> str:
    """The headline numbers in percent, and how images without prediction were counted."""
    table = Table(title=f'Human parsing, {count_of(scores.num_images, "image")}')
    for key in scores.values:
        table.add_column(_title(key), justify='right')
    table.add_row(*(_percent(value) for value in scores.values.values()))
    return f'{_render(table)}\n{missing_line(scores)}'


def f1_table(values: Mapping[str, float], classes: Mapping[str, float], *, num_images: int) -> str:
    """F1 scores in percent: those of ``values``, then one row for each of the ``classes``."""
    table = Table(title=f'Face parsing, {count_of(num_images, "image")}')
    table.add_column('')
    table.add_column('percent', justify='right')
    for key, value in values.items():
        table.add_row(key, _percent(value), end_section=key == list(values)[-1])
    for name, value in classes.items():
        table.add_row(Text(f'F1 of {name}'), _percent(value))
    return _render(table)


def missing_line(scores: ParsingScores) -> str:
    """A line that says how many images have no prediction, and how they count."""
    return f'Images without prediction: {scores.num_missing}, {MISSING_READINGS[scores.missing]} ({scores.missing!r}).'


def class_table(scores: ParsingScores, *, class_names: Sequence[str]) -> str:
    """One row a class: IoU, accuracy, Boundary IoU, trimap IoU (mean) and AP^r (mean, 0.5), as far as scored, in percent."""
    columns = class_columns(scores)
    table = Table(title='Per class')
    table.add_column('class')
    for title in columns:
        table.add_column(title, justify='right')
    for index, name in enumerate(class_names):
        table.add_row(Text(f'{index} {name}'), *(_percent(values[index]) for values in columns.values()))
    return _render(table)


def class_columns(scores: ParsingScores) -> dict[str, np.ndarray]:
    """Column title → (C,) fractions; the background has no AP^r."""
    columns: dict[str, np.ndarray] = {}
    if scores.segmentation is not None:
        columns.update(IoU=scores.segmentation.class_iou, Acc=scores.segmentation.class_accuracy)
    if scores.boundary_iou is not None:
        columns['BIoU'] = scores.boundary_iou
    if scores.trimap_iou is not None:
        columns['TIoU'] = scores.trimap_iou.mean(axis=0)
    if scores.apr is not None:
        half = threshold_column(PART_THRESHOLDS, 0.5)
        for title, values in (('AP^r', scores.apr.mean(axis=1)), ('AP^r 50', scores.apr[:, half].copy())):
            values[0] = np.nan
            columns[title] = values
    return columns


def scores_json(scores: ParsingScores, *, class_names: Sequence[str]) -> str:
    """The scores as a JSON object: the metric keys at the top as unrounded fractions (null where undefined), then the
    image counts, the reading of images without prediction, and the tables."""
    document: dict[str, Any] = dict(scores.values)
    document.update(num_images=scores.num_images, num_missing=scores.num_missing, missing=scores.missing)
    per_class = {name: {title.replace('^', '').replace(' ', '_'): values[index]
                        for title, values in class_columns(scores).items()}
                 for index, name in enumerate(class_names)}
    document['per_class'] = per_class
    for key in ('app', 'pcp', 'aph'):
        if getattr(scores, key) is not None:
            document[f'{TITLES_BY_FIELD[key]}_by_threshold'] = list(getattr(scores, key))
    if scores.confusion is not None:
        document['confusion'] = scores.confusion.tolist()
    return json.dumps(_plain(document), indent=2, allow_nan=False) + '\n'


TITLES_BY_FIELD = {'app': 'APp', 'pcp': 'PCP', 'aph': 'APh'}


def _plain(value: Any) -> Any:
    """Numpy scalars to Python's, NaN to None, all the way down."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value


def _title(key: str) -> str:
    if key in TITLES:
        return TITLES[key]
    name, _, threshold = key.partition('_')
    return f'{TITLES.get(name, name)} {threshold}'.strip()


def _percent(value: float) -> str:
    return '-' if math.isnan(value) else f'{100 * value:.2f}'


def _render(table: Table) -> str:
    console = Console(file=io.StringIO(), width=140, color_system=None)
    console.print(table)
    return console.file.getvalue().rstrip()  # type: ignore[attr-defined]
