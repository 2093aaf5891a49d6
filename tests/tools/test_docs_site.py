"""The documentation as a site: no broken link, no missing reference, nothing fetched from elsewhere."""
import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip('material')
pytest.importorskip('mkdocstrings')

REPO = Path(__file__).resolve().parents[2]


def build(config, site):
    return subprocess.run(
        [sys.executable, '-m', 'mkdocs', 'build', '--strict', '-f', str(config), '-d', str(site)],
        capture_output=True, text=True, env=dict(os.environ, NO_MKDOCS_2_WARNING='1'), cwd=REPO)


@pytest.fixture(scope='module')
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp('site')
    done = build(REPO / 'mkdocs.yml', folder)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_the_start_page_says_who_reads_what_next(site):
    text = (site / 'index.html').read_text(encoding='utf-8')
    for goal, page in (
            ('parse your photos', 'inference'), ('reproduce the paper', 'model_zoo'), ('train on your labels', 'datasets'),
            ('put the module on your own model', 'quality'), ('deploy', 'security')):
        row = re.search(rf'<td>{goal}</td>\s*<td>(.*?)</td>', text, re.S)
        assert f'href="{page}/"' in row[1], goal


def test_configs_are_pages(site):
    zoo = (site / 'model_zoo/index.html').read_text(encoding='utf-8')
    assert 'href="../repository/configs/qanet/qanet_r50_cihp.py/"' in zoo
    page = (site / 'repository/configs/qanet/qanet_r50_cihp.py/index.html').read_text(encoding='utf-8')
    assert (REPO / 'configs/qanet/qanet_r50_cihp.py').read_text(encoding='utf-8') in html.unescape(re.sub('<.*?>', '', page))


def test_docstrings_are_pages_without_roles(site):
    text = (site / 'api/apis/index.html').read_text(encoding='utf-8')
    assert 'id="mmqanet.apis.inferencer.HumanParsingInferencer"' in text
    for page in (site / 'api').rglob('index.html'):
        assert not re.search(r':(func|class|meth|mod):', page.read_text(encoding='utf-8')), page


def test_pages_fetch_nothing_from_elsewhere(site):
    for page in site.rglob('*.html'):
        text = page.read_text(encoding='utf-8')
        assert not re.search(r'<(script|img|iframe)[^>]*src="(https?:)?//', text), page
        assert not re.search(r'<link[^>]*rel="(stylesheet|preconnect)"[^>]*href="(https?:)?//', text), page


@pytest.mark.parametrize('fault', ['[gone](gone.md)', '[gone](../configs/gone.py)', '[gone](#gone)'])
def test_a_broken_link_is_an_error(tmp_path, fault):
    (tmp_path / 'docs').mkdir()
    (tmp_path / 'docs/index.md').write_text(f'# Start\n\n{fault}\n')
    settings = (REPO / 'mkdocs.yml').read_text(encoding='utf-8').replace('tools/docs_site', f'{REPO}/tools/docs_site')
    settings = re.sub(r'nav:\n(  .*\n)+', 'nav: [index.md]\n', settings).replace('extra_css', '# extra_css')
    settings = re.sub(r'  - mkdocstrings:\n(      .*\n)+', '', settings)
    (tmp_path / 'mkdocs.yml').write_text(settings)
    done = build(tmp_path / 'mkdocs.yml', tmp_path / 'site')
    assert done.returncode != 0
    assert 'gone' in done.stderr
