"""The page itself, of Gradio's parts. What it shows of the photos is the report of ``mmqanet parse --save report``."""
import os
import shutil
import socket
import string
import tempfile
import time
import webbrowser
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmqanet.apis import HumanParsingInferencer
from mmqanet.errors import InputError, MMQANetError
from mmqanet.ui.parsing import DOWNLOADS, Outcome, parse_photos
from mmqanet.utils.files import MAX_FILE_BYTES

if TYPE_CHECKING:
    from gradio import Blocks

MARKUP = frozenset(string.punctuation) - frozenset('.,-')
KEPT = 3600  # seconds that results stay on the disk for
MOST_WAITING = 64  # visitors
TITLE = 'Human parsing'
WELCOME = f"""# {TITLE}
Every pixel of every person gets a body part or garment, and every part a quality. Photos stay on this machine."""
EMPTY = '<p style="text-align:center;opacity:.7;padding:3em">Drop photos of people at the left.</p>'


def build_app(inferencer: HumanParsingInferencer, *, workspace: Path) -> 'Blocks':
    """The page.

    Args:
        inferencer: parses the photos, in one call at a time.
        workspace: a folder for results, which are removed after an hour.

    Raises:
        InputError: Gradio is not installed.
    """
    gr = import_gradio()

    def show(photos: Any) -> tuple:
        if photos is None or (isinstance(photos, list) and not photos):
            return EMPTY, '', *[gr.DownloadButton(visible=False)] * len(DOWNLOADS)
        photos = photos if isinstance(photos, list) else [photos]
        try:
            outcome = parse_photos(inferencer, photos, _new_folder(workspace))
        except MMQANetError as error:
            raise gr.Error(as_text(str(error))) from None
        for problem in outcome.problems:
            gr.Warning(as_text(problem))
        paths = [outcome.downloads.get(kind) for kind in DOWNLOADS]
        return _viewer(outcome), _told(outcome), *[
            gr.DownloadButton(value=None if path is None else str(path), visible=path is not None) for path in paths]

    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(KEPT, KEPT), fill_width=True) as app:
        gr.Markdown(WELCOME)
        with gr.Row():
            with gr.Column(scale=1, min_width=320):
                with gr.Tab('Photos'):
                    files = gr.File(label='Photos', file_count='multiple', type='filepath', height=180)
                with gr.Tab('Camera'):
                    camera = gr.Image(label='Camera', sources=['webcam'], type='numpy')
                told = gr.Markdown()
                downloads = [gr.DownloadButton(label, visible=False) for label in DOWNLOADS.values()]
            with gr.Column(scale=3, min_width=320):
                viewer = gr.HTML(EMPTY)
        for source in (files, camera):
            source.change(show, inputs=source, outputs=[viewer, told, *downloads], api_name=False)
    return app.queue(default_concurrency_limit=1, max_size=MOST_WAITING)


def serve(inferencer: HumanParsingInferencer, *, host: str, port: int, share: bool, show_browser: bool) -> None:
    """Serve the page until Ctrl-C.

    Args:
        inferencer: parses the photos.
        host: the address to listen at; 127.0.0.1 is seen by this machine alone.
        port: to listen at.
        share: also make a public link, through a server of Gradio's makers.
        show_browser: open the page; where no browser is installed, the address is told alone.

    Raises:
        InputError: Gradio is not installed, or the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix='mmqanet_ui_') as workspace:
        app = build_app(inferencer, workspace=Path(workspace))
        try:
            app.launch(server_name=host, server_port=port, share=share, quiet=True, show_error=True, footer_links=[],
                       max_file_size=MAX_FILE_BYTES, prevent_thread_lock=True)
        except OSError as error:
            raise InputError(f'--port {port}: cannot be listened at on {host} ({error})') from None
        print(f'The page is at {app.local_url}', flush=True)
        if show_browser and not webbrowser.open(str(app.share_url or app.local_url)):
            print('No browser could be opened on this machine: open the address in one yourself.', flush=True)
        app.block_thread()


def check_address(host: str, port: int) -> None:
    """Raise ``InputError`` if a port cannot be listened at, before anything is loaded."""
    try:
        with socket.create_server((host, port)):
            pass
    except (OSError, OverflowError) as error:
        raise InputError(f'--port {port}: cannot be listened at on {host} ({error})') from None


def import_gradio() -> Any:
    """Gradio, without what it would tell its makers.

    Raises:
        InputError: it is not installed.
    """
    os.environ['GRADIO_ANALYTICS_ENABLED'] = 'False'
    try:
        import gradio
    except ImportError:
        raise InputError("the page needs the package gradio (pip install 'mmqanet[ui]')") from None
    return gradio


def _viewer(outcome: Outcome) -> str:
    """The report in a frame of its own, which can neither reach the page nor the network."""
    if outcome.report is None:
        return EMPTY
    return (f'<iframe title="Parsed photos" sandbox="allow-scripts" srcdoc="{escape(outcome.report, quote=True)}" '
            'style="width:100%;height:82vh;border:1px solid #8884;border-radius:8px"></iframe>')


def _told(outcome: Outcome) -> str:
    return '\n\n'.join([f'**{outcome.summary}**', *(f'- {as_text(problem)}' for problem in outcome.problems)])


def as_text(text: str) -> str:
    """A text, such as the name of a file, of which neither HTML nor Markdown takes anything for markup."""
    return ''.join(f'&#{ord(char)};' if char in MARKUP else char for char in text)


def _new_folder(workspace: Path) -> Path:
    """A folder for one call; those of an hour ago go."""
    for folder in workspace.iterdir():
        if time.time() - folder.stat().st_mtime > KEPT:
            shutil.rmtree(folder, ignore_errors=True)
    return Path(tempfile.mkdtemp(dir=workspace))
