"""Tables of metrics: rows of settings, gains over the first row, spreads over training runs; on a terminal, as Markdown,
CSV and JSON. All figures are percent."""
import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table as RichTable

from mmqanet.errors import InputError
from mmqanet.utils.wording import count_of

TITLES = {'APp': 'AP^p', 'APp_50': 'AP^p 50', 'PCP_50': 'PCP 50', 'APr': 'AP^r', 'APr_50': 'AP^r 50',
          'mean': 'mean of AP^p, AP^r'}


@dataclass(frozen=True)
class Figure:
    """A number, NaN where undefined; over several runs their mean, with the standard deviation from run to run.

    ``gain`` is that over the row compared with, None where there is no such row; it is taken run by run, so its spread is
    not that of two independent numbers.
    """

    value: float
    gain: float | None = None
    spread: float | None = None
    gain_spread: float | None = None

    def text(self, decimals: int = 1) -> str:
        """The value, and its gain and spread where there are some, rounded to so many decimals."""
        def number(value: float, sign: str = '') -> str:
            return '-' if math.isnan(value) else f'{value + 0:{sign}.{decimals}f}'

        text = number(self.value) + ('' if self.spread is None else f' ± {number(self.spread)}')
        if self.gain is None or math.isnan(self.value):
            return text
        spread = '' if self.gain_spread is None else f' ± {number(self.gain_spread)}'
        return f'{text} ({number(self.gain, "+")}{spread})'

    def __str__(self) -> str:
        return self.text()


@dataclass(frozen=True)
class Row:
    """``label``: one text a label column. ``figures``: metric key → figure."""

    label: tuple[str, ...]
    figures: dict[str, Figure]


@dataclass(frozen=True)
class Table:
    """``name`` is that of its files, ``heads`` are the titles of the label columns, ``decimals`` are those shown."""

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...] = field(default=())
    decimals: int = 1

    @property
    def metrics(self) -> list[str]:
        """The keys of the columns of figures, from left to right."""
        return list(self.rows[0].figures) if self.rows else []


def make_table(name: str, title: str, heads: Sequence[str], labels: Sequence[Sequence[str]],
               values: Sequence[dict[str, float]], *, gains: bool = False, decimals: int = 1) -> Table:
    """A table of percentages, one row a label; with ``gains`` the rows after the first tell theirs over it."""
    rows = []
    for index, (label, row) in enumerate(zip(labels, values)):
        figures = {key: Figure(float(value), float(value - values[0][key]) if gains and index else None)
                   for key, value in row.items()}
        rows.append(Row(tuple(label), figures))
    return Table(name, title, tuple(heads), tuple(rows), decimals)


def merge_tables(tables: Sequence[Table]) -> Table:
    """The mean of the same table from several runs, and the sample standard deviation (of n - 1) where there are two.

    Raises:
        InputError: the tables differ in their rows or metrics.
    """
    first = tables[0]
    for other in tables[1:]:
        if [row.label for row in other.rows] != [row.label for row in first.rows] or other.metrics != first.metrics:
            raise InputError(f'table {first.name!r} has other rows or metrics in one of the runs')
    rows = []
    for index, row in enumerate(first.rows):
        figures = {}
        for key in row.figures:
            runs = [table.rows[index].figures[key] for table in tables]
            value, spread = _mean_and_spread([figure.value for figure in runs])
            gain, gain_spread = None, None
            if row.figures[key].gain is not None:
                gain, gain_spread = _mean_and_spread([figure.gain for figure in runs])
            figures[key] = Figure(value, gain, spread, gain_spread)
        rows.append(Row(row.label, figures))
    return replace(first, title=f'{first.title}, {count_of(len(tables), "run")}', rows=tuple(rows))


def _mean_and_spread(values: Sequence[Any]) -> tuple[float, float | None]:
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None


def print_tables(tables: Sequence[Table]) -> None:
    """Print tables on standard output, up to 160 columns wide into a file or pipe; wider ones as parts of their metrics."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    for table in tables:
        console.print(f'\n{table.title}', style='bold', markup=False)  # not the table's own title: that breaks at its width
        for part in parts_that_fit(table, console):
            console.print(part)


def parts_that_fit(table: Table, console: Console) -> list[RichTable]:
    """A table for a console: halved between its metrics until no figure would be broken or cut."""
    rendered, metrics = rich_table(table), table.metrics
    width = Measurement.get(console, console.options.update_width(10_000), rendered).maximum
    if width <= console.width or len(metrics) < 2:
        return [rendered]
    middle = (len(metrics) + 1) // 2
    halves = (replace(table, rows=tuple(
        replace(row, figures={key: row.figures[key] for key in half}) for row in table.rows))
        for half in (metrics[:middle], metrics[middle:]))
    return [part for half in halves for part in parts_that_fit(half, console)]


def rich_table(table: Table) -> RichTable:
    """The table for a terminal."""
    rendered = RichTable()
    for head in table.heads:
        rendered.add_column(head, no_wrap=True)
    for key in table.metrics:
        rendered.add_column(TITLES.get(key, key), justify='right')
    for row in table.rows:
        rendered.add_row(*row.label, *(figure.text(table.decimals) for figure in row.figures.values()))
    return rendered


def markdown_table(table: Table) -> str:
    """The table in Markdown, with its title."""
    titles = [*table.heads, *(TITLES.get(key, key) for key in table.metrics)]
    lines = [f'**{table.title}**', '', _line(titles), _line(['---'] * len(table.heads) + ['---:'] * len(table.metrics))]
    lines += [_line([*row.label, *(figure.text(table.decimals) for figure in row.figures.values())]) for row in table.rows]
    return '\n'.join(lines) + '\n'


def _line(cells: Sequence[str]) -> str:
    return f'| {" | ".join(cells)} |'


def csv_table(table: Table) -> str:
    """Unrounded; a gain and a spread have columns of their own where any row has them."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator='\n')
    columns = [(key, part) for key in table.metrics for part in ('value', 'spread', 'gain', 'gain_spread')
               if any(getattr(row.figures[key], part) is not None for row in table.rows)]
    writer.writerow([*table.heads, *(key if part == 'value' else f'{key}_{part}' for key, part in columns)])
    for row in table.rows:
        cells = [getattr(row.figures[key], part) for key, part in columns]
        writer.writerow([*row.label, *('' if cell is None or math.isnan(cell) else cell for cell in cells)])
    return buffer.getvalue()


def table_document(table: Table) -> dict[str, Any]:
    """A table as plain JSON values, NaN as null; :func:`read_table` is its inverse."""
    rows = [{'label': list(row.label), 'figures': {
        key: {part: _plain(value) for part, value in vars(figure).items() if part == 'value' or value is not None}
        for key, figure in row.figures.items()}} for row in table.rows]
    return {'name': table.name, 'title': table.title, 'heads': list(table.heads), 'decimals': table.decimals, 'rows': rows}


def read_table(document: dict[str, Any]) -> Table:
    """The table that a JSON document of these tools holds; ``null`` stands for a missing number."""
    rows = tuple(
        Row(tuple(row['label']), {
            key: Figure(**{part: math.nan if value is None else value for part, value in figure.items()})
            for key, figure in row['figures'].items()})
        for row in document['rows'])
    return Table(document['name'], document['title'], tuple(document['heads']), rows, document.get('decimals', 1))


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
