"""The written result of an ablation: JSON to go on with, Markdown to read, a CSV a table, pictures."""
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mmqanet.analysis.reliability import Reliability
from mmqanet.analysis.studies import best_rows
from mmqanet.analysis.tables import Table, csv_table, markdown_table, merge_tables, read_table, table_document
from mmqanet.errors import DataError, InputError
from mmqanet.utils.files import PathLike, check_overwrites, read_json, write_bytes
from mmqanet.visualization.reliability_plots import draw_reliability


def shown_tables(tables: Sequence[Table], *, goal: str) -> list[Table]:
    """The tables as they are read: of a search, its best rows by ``goal``."""
    return [best_rows(table, goal) if table.name.endswith('search') else table for table in tables]


def write_tables(folder: Path, tables: Sequence[Table], *, goal: str, about: dict[str, Any],
                 given: Iterable[PathLike | None] = ()) -> None:
    """Write ``ablation.json`` (``about`` and whole tables), ``ablation.md`` and ``NAME.csv``.

    Raises:
        InputError: one of them is among the files ``given``, which are never overwritten; nothing is written.
    """
    document = {**about, 'goal': goal, 'tables': [table_document(table) for table in tables]}
    facts = [f'- {key}: {value}' for key, value in about.items() if isinstance(value, str | int | float)]
    sections = [markdown_table(table) for table in shown_tables(tables, goal=goal)]
    files = {'ablation.json': json.dumps(document, indent=1, allow_nan=False) + '\n',
             'ablation.md': '\n'.join(['# Quality ablation\n', *facts, '', *sections]),
             **{f'{table.name}.csv': csv_table(table) for table in tables}}
    given = list(given)
    for name in files:
        check_overwrites(folder / name, given)
    for name, text in files.items():
        write_bytes(folder / name, text.encode())


def write_reliability(folder: Path, source: str, panels: dict[str, dict[str, Reliability]]) -> dict[str, Any]:
    """Draw ``reliability_SOURCE.png``; the numbers in it as plain JSON values."""
    draw_reliability(folder / f'reliability_{source}.png', panels=panels)
    return {kind: {name: pairs.document() for name, pairs in row.items()} for kind, row in panels.items()}


def source_table(table: Table, source: str, *, alone: bool) -> Table:
    """A table of one box source, which its name and title tell unless it is the only one."""
    return table if alone else replace(table, name=f'{source}_{table.name}', title=f'{table.title}, {source} boxes')


def merge_reports(paths: Sequence[Path]) -> tuple[list[Table], str]:
    """The tables that the ``ablation.json`` of several training runs share, with means and spreads, and their goal.

    Raises:
        DataError: a file is missing, broken or no ablation. InputError: fewer than two, or they do not fit together.
    """
    if len(paths) < 2:
        raise InputError(f'a spread needs at least two runs, got {len(paths)}')
    documents = [_read_report(Path(path)) for path in paths]
    tables = [{table.name: table for table in map(read_table, document['tables'])} for document in documents]
    shared = [name for name in tables[0] if all(name in other for other in tables)]
    if not shared:
        raise InputError(f'{paths[0]} and the others have no table in common')
    return [merge_tables([other[name] for other in tables]) for name in shared], documents[0]['goal']


def _read_report(path: Path) -> dict[str, Any]:
    document = read_json(path, expected=dict)
    if not {'tables', 'goal'} <= document.keys():
        raise DataError(f"{path}: not the JSON of an ablation (no 'tables' and 'goal')")
    return document
