"""A hook of MkDocs: pages that are made of files outside docs/.

- Pages may link to files of the repository. Configs and other code become pages with a block of code, Markdown files become
  pages as they are.
- Each room of the package has a page of its docstrings.
"""
import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

REPO = Path(__file__).resolve().parents[2]
FOLDER = 'repository'  # of the site
LINK = re.compile(r'\]\((?![a-z]+:|#|/)([^)#\s]+)(#[^)\s]*)?\)')
ROOMS = {
    'apis': 'From Python', 'structures': 'The data sample', 'functional': 'Pure functions', 'models': 'Models',
    'datasets': 'Data sets and transforms', 'evaluation': 'Evaluation', 'visualization': 'Pictures', 'exports': 'Exports',
    'engine': 'Configs and training', 'analysis': 'Analysis', 'checkpoints': 'Checkpoints'}
CODE = {'.py': 'python', '.sh': 'bash', '.json': 'json', '.yml': 'yaml', '.txt': 'text'}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of docstrings, the files that pages link to, and those that these link to."""
    for room, title in ROOMS.items():
        files.append(File.generated(config, f'api/{room}.md', content=_reference(room, title)))
    waiting = [file for file in files if file.is_documentation_page()]
    while waiting:
        page = waiting.pop()
        place = _place_of(page, config)
        for target in _targets(page.content_string, place):
            source = _site_page(target)
            if source is not None and files.get_file_from_path(source) is None:
                added = File.generated(config, source, content=_content(target))
                files.append(added)
                waiting.append(added)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to such files lead to their pages."""
    place = _place_of(page.file, config)

    def lead(match: re.Match) -> str:
        target = _normalized(place, match[1])
        source = _site_page(target)
        if source is None:
            here = 'docs/' + page.file.src_uri
            moved = target if page.file.src_uri.startswith(f'{FOLDER}/') and target.startswith('docs/') else None
            return f']({os.path.relpath(moved, os.path.dirname(here))}{match[2] or ""})' if moved else match[0]
        return f']({os.path.relpath(source, os.path.dirname(page.file.src_uri) or ".")}{match[2] or ""})'

    return LINK.sub(lead, markdown)


def _reference(room: str, title: str) -> str:
    """A page of the docstrings of a room's modules."""
    package = REPO / 'mmqanet'
    modules = ['.'.join(path.relative_to(REPO).with_suffix('').parts) for path in sorted((package / room).rglob('*.py'))
               if path.stem != '__init__' and re.search(r'^(class|def) [a-zA-Z]', path.read_text(encoding='utf-8'), re.M)]
    return f'# {title}: mmqanet.{room}\n\n' + ''.join(f'::: {module}\n\n' for module in modules)


def _place_of(file: File, config: MkDocsConfig) -> str:
    """The folder of the repository that a page's links start from."""
    uri = PurePosixPath(file.src_uri)
    if uri.parts[0] == FOLDER:
        return PurePosixPath(*uri.parts[1:]).parent.as_posix()
    return (PurePosixPath('docs') / uri).parent.as_posix()


def _targets(text: str, place: str) -> list[str]:
    return [_normalized(place, match[1]) for match in LINK.finditer(text)]


def _normalized(place: str, link: str) -> str:
    return os.path.normpath(os.path.join(place, link))


def _site_page(target: str) -> str | None:
    """The page of a file of the repository; ``None`` if it lies in docs/, or is no file that can be shown."""
    path = PurePosixPath(target)
    if path.parts[0] in ('docs', '..') or not (REPO / target).is_file():
        return None
    if path.suffix == '.md':
        return f'{FOLDER}/{target}'
    return f'{FOLDER}/{target}.md' if path.suffix in CODE else None


def _content(target: str) -> str:
    text = (REPO / target).read_text(encoding='utf-8')
    suffix = PurePosixPath(target).suffix
    return text if suffix == '.md' else f'# {target}\n\n``` {CODE[suffix]}\n{text}\n```\n'
