import csv
import io
import json
import math
from dataclasses import replace

import pytest
from rich.console import Console

from mmqanet.analysis.tables import (
    Figure,
    Table,
    csv_table,
    make_table,
    markdown_table,
    merge_tables,
    parts_that_fit,
    print_tables,
    read_table,
    table_document,
)
from mmqanet.errors import InputError


def run(first: float, second: float, *, name='weights'):
    return make_table(name, 'Weights', ('row', 'weights'), [('(a)', '1, 0, 0'), ('(b)', '0, 1, 0')],
                      [{'APr': first, 'APp': math.nan}, {'APr': second, 'APp': 4.0}], gains=True)


def test_gains_are_over_the_first_row():
    assert markdown_table(run(26.32, 36.79)) == (
        '**Weights**\n\n| row | weights | AP^r | AP^p |\n| --- | --- | ---: | ---: |\n'
        '| (a) | 1, 0, 0 | 26.3 | - |\n| (b) | 0, 1, 0 | 36.8 (+10.5) | 4.0 (-) |\n')


def test_what_is_undefined_has_no_gain():
    assert str(Figure(math.nan, gain=math.nan, gain_spread=math.nan)) == '-'


def test_runs_merge_into_means_and_spreads():
    """The gains 2, 4, 9 spread by 3.6, though the values spread by 10 and more."""
    table = merge_tables([run(10, 12), run(20, 24), run(30, 39)])
    figure = table.rows[1].figures['APr']
    assert (figure.value, figure.gain) == pytest.approx((25, 5))
    assert (figure.spread, figure.gain_spread) == pytest.approx((math.sqrt(183), math.sqrt(13)))
    assert str(figure) == '25.0 ± 13.5 (+5.0 ± 3.6)'
    assert table.rows[0].figures['APr'].gain is None
    assert table.title == 'Weights, 3 runs'
    assert merge_tables([run(10, 12)]).rows[1].figures['APr'].spread is None


def test_runs_that_do_not_fit_are_refused():
    other = make_table('weights', 'Weights', ('row', 'weights'), [('(a)', '1, 0, 0')], [{'APr': 1.0, 'APp': 1.0}])
    with pytest.raises(InputError, match='weights'):
        merge_tables([run(1, 2), other])


@pytest.mark.parametrize('table', [run(10, 12), merge_tables([run(10, 12), run(20, 24)])], ids=['one', 'merged'])
def test_json_keeps_everything(table):
    again = read_table(json.loads(json.dumps(table_document(table), allow_nan=False)))
    assert markdown_table(again) == markdown_table(table)
    assert csv_table(again) == csv_table(table)


def test_csv_is_unrounded_with_columns_for_gains():
    rows = list(csv.reader(io.StringIO(csv_table(run(26.32, 36.79)))))
    assert rows[0] == ['row', 'weights', 'APr', 'APr_gain', 'APp', 'APp_gain']
    assert rows[1] == ['(a)', '1, 0, 0', '26.32', '', '', '']
    assert [float(cell) for cell in rows[2][2:4]] == pytest.approx([36.79, 10.47])
    assert 'APr_gain_spread' in csv_table(merge_tables([run(1, 2), run(2, 5)]))


def test_the_terminal_shows_every_figure():
    console = Console(file=io.StringIO(), width=100)
    console.print(*parts_that_fit(run(26.32, 36.79), console))
    text = console.file.getvalue()
    assert all(word in text for word in ('(b)', '0, 1, 0', 'AP^r', '36.8 (+10.5)'))


def test_a_long_title_stays_on_one_line(capsys):
    title = 'A title [bold]that[/bold] is much longer than the table of few figures below it [0.2]'
    print_tables([replace(run(26.32, 36.79), title=title)])
    assert title in capsys.readouterr().out.splitlines()


def test_a_narrow_terminal_gets_parts_with_whole_figures():
    table = merge_tables([run(10, 12), run(20, 24)])
    whole = '18.0 ± 8.5 (+3.0 ± 1.4)'
    for width, number in ((100, 1), (60, 2)):
        console = Console(file=io.StringIO(), width=width)
        parts = parts_that_fit(table, console)
        console.print(*parts)
        lines = console.file.getvalue().splitlines()
        assert len(parts) == number
        assert sum(whole in line for line in lines) == 1
        assert max(map(len, lines)) <= width


def test_a_single_metric_that_is_too_wide_stays_whole():
    wide = make_table('x', 'Wide', ('row',), [('a' * 50,)], [{'APr': 12.3}])
    assert len(parts_that_fit(wide, Console(file=io.StringIO(), width=20))) == 1


def test_a_table_without_rows_is_its_heads():
    empty = Table('x', 'Nothing', ('row', 'weights'))
    assert empty.metrics == []
    assert markdown_table(empty) == '**Nothing**\n\n| row | weights |\n| --- | --- |\n'
    assert csv_table(empty) == 'row,weights\n'
    assert read_table(table_document(empty)) == empty


def test_columns_stand_as_in_the_first_row():
    table = make_table('x', 'X', ('row',), [('a',), ('b',)], [{'APr': 1.0, 'APp': 2.0}, {'APr': 3.0, 'APp': 4.0}])
    assert table.metrics == ['APr', 'APp']
    assert markdown_table(table).endswith('| a | 1.0 | 2.0 |\n| b | 3.0 | 4.0 |\n')
