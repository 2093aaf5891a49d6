"""A hook of MkDocs: the notebooks of docs/ become pages, with the outputs that they were saved with.

Links to a notebook lead to its page, which links to the file.
"""
import base64
import json
import re
from pathlib import PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

LINK = re.compile(r'\]\((?![a-z]+:)([^)#\s]+)\.ipynb\)')
IMAGES = {'image/jpeg': 'jpg', 'image/png': 'png'}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add a page for each notebook, and the pictures in it."""
    for notebook in [file for file in files if file.src_uri.endswith('.ipynb')]:
        path = PurePosixPath(notebook.src_uri)
        blocks = [f'[The notebook as a file]({path.name}){{download={path.name}}}']
        for index, cell in enumerate(json.loads(notebook.content_string)['cells']):
            blocks.append(_source(cell))
            for number, output in enumerate(cell.get('outputs', ())):
                image = next((kind for kind in IMAGES if kind in output.get('data', ())), None)
                if image is None:
                    blocks.append(_fenced(_text(output)))
                    continue
                name = f'{path.stem}_{index}_{number}.{IMAGES[image]}'
                content = base64.b64decode(''.join(output['data'][image]))
                files.append(File.generated(config, f'{path.parent}/{name}', content=content))
                blocks.append(f'![What the code above shows]({name})')
        title, _, rest = blocks[1].partition('\n')
        page = '\n\n'.join([title, blocks[0], rest, *blocks[2:]])
        files.append(File.generated(config, path.with_suffix('.md').as_posix(), content=page))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to notebooks lead to their pages."""
    return LINK.sub(r'](\1.md)', markdown)


def _source(cell: dict[str, Any]) -> str:
    source = ''.join(cell['source'])
    return source if cell['cell_type'] == 'markdown' else _fenced(source, 'python')


def _text(output: dict[str, Any]) -> str:
    return ''.join(output['text'] if 'text' in output else output['data']['text/plain'])


def _fenced(text: str, language: str = 'text') -> str:
    return f'``` {language}\n{text.rstrip()}\n```'
