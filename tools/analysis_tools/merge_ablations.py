#!/usr/bin/env python
"""Put the ablations of several training runs together: means, and standard deviations from run to run.

Gains are taken run by run, before they are averaged.
"""
import argparse
from pathlib import Path

from mmqanet.analysis.report import merge_reports, shown_tables, write_tables
from mmqanet.analysis.tables import print_tables
from mmqanet.engine.launch import run_tool


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('reports', nargs='+', type=Path, metavar='ablation.json',
                        help='result of ablate_quality.py, one of each run')
    parser.add_argument('--out', type=Path, metavar='DIR', help='folder of the merged tables (default: only show them)')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    tables, goal = merge_reports(args.reports)
    if args.out:
        write_tables(args.out, tables, goal=goal, about={'runs': [str(path) for path in args.reports]},
                     given=args.reports)
    print_tables(shown_tables(tables, goal=goal))


if __name__ == '__main__':
    run_tool(main)
