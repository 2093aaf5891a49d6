"""The notebooks run from beginning to end, and what they were saved with names no machine."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
TOOL = REPO / 'tools/docs_site/run_notebooks.py'
NOTEBOOKS = sorted((REPO / 'docs/tutorials').glob('*.ipynb'))


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_was_saved_with(path):
    pytest.importorskip('nbclient', reason='running notebooks needs nbclient')
    pytest.importorskip('ipykernel', reason='running notebooks needs ipykernel')
    done = subprocess.run([sys.executable, str(TOOL), path.stem, '--check'], capture_output=True, text=True,
                          env=dict(os.environ, PYTHONPATH=str(REPO)))
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_saved_outputs_are_there_and_name_no_folder_of_a_machine(path):
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    code = [cell for cell in cells if cell['cell_type'] == 'code']
    assert [cell['execution_count'] for cell in code] == list(range(1, len(code) + 1))
    texts = [''.join(output.get('text') or output['data'].get('text/plain', '')) for cell in code
             for output in cell['outputs']]
    assert any(texts)
    for text in texts:
        assert not re.search(r'(^|[\s\'"(])/\w+/|\x1b|\d\d:\d\d:\d\d', text), text


@pytest.mark.parametrize('path', NOTEBOOKS, ids=lambda path: path.stem)
def test_links_of_a_notebook_lead_to_files(path):
    cells = json.loads(path.read_text(encoding='utf-8'))['cells']
    text = '\n'.join(''.join(cell['source']) for cell in cells if cell['cell_type'] == 'markdown')
    links = re.findall(r'\]\((?!https?:)([^)#]+)', text)
    assert links
    for link in links:
        assert (path.parent / link).exists(), link
