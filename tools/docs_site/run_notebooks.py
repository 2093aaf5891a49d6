"""Run the notebooks of docs/tutorials, and keep what they show without times, paths and colours.

    python tools/docs_site/run_notebooks.py            # all, and save them with their outputs
    python tools/docs_site/run_notebooks.py quickstart --check      # save nothing: exit status 1 where something fails

--check also fails where the saved outputs of a cell are of other kinds than those that it has now. Needs nbclient and
ipykernel.
"""
import argparse
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

REPO = Path(__file__).resolve().parents[2]
FOLDER = REPO / 'docs/tutorials'
SHOWN = ('image/jpeg', 'image/png', 'text/plain')  # the first that an output has
LONGEST = 600  # seconds of a cell


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('names', nargs='*', metavar='NAME', help='names of notebooks (default: all)')
    parser.add_argument('--check', action='store_true', help='compare with what is saved')
    args = parser.parse_args()
    status = 0
    for path in [FOLDER / f'{name}.ipynb' for name in args.names] or sorted(FOLDER.glob('*.ipynb')):
        saved = nbformat.read(path, as_version=4)
        try:
            done = execute(nbformat.read(path, as_version=4))
        except CellExecutionError as error:
            print(f'{path.name}: {error}', file=sys.stderr)
            return 1
        if not args.check:
            nbformat.write(done, path)
        for cell in differing(saved, done) if args.check else ():
            print(f'{path.name}: cell {cell}: other outputs than those saved; run it without --check', file=sys.stderr)
            status = 1
    return status


def execute(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook after all of its cells ran in a folder of their own.

    Raises:
        CellExecutionError: a cell ends in an error.
    """
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(notebook, timeout=LONGEST, resources=dict(metadata=dict(path=folder)), record_timing=False)
        client.execute()
    for cell in notebook.cells:
        if cell.cell_type == 'code':
            cell.outputs = tidy(cell.outputs)
    notebook.metadata.language_info = dict(name='python')
    return notebook


def tidy(outputs: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """The outputs with one kind of content each; what is printed in pieces is one."""
    tidied: list[nbformat.NotebookNode] = []
    for output in outputs:
        if output.output_type == 'stream':
            if tidied and tidied[-1].output_type == 'stream':
                tidied[-1].text += output.text
            else:
                tidied.append(output)
        else:
            kind = next(kind for kind in SHOWN if kind in output.data)
            output.data = {kind: output.data[kind]}
            tidied.append(output)
    return tidied


def differing(saved: nbformat.NotebookNode, done: nbformat.NotebookNode) -> list[int]:
    """The numbers of the cells whose outputs are of other kinds."""
    return [index for index, (old, new) in enumerate(zip(saved.cells, done.cells, strict=True))
            if kinds(old) != kinds(new)]


def kinds(cell: nbformat.NotebookNode) -> list[str]:
    """What the outputs of a cell are."""
    return [next(iter(output.get('data', ['text']))) for output in cell.get('outputs', ())]


if __name__ == '__main__':
    sys.exit(main())
