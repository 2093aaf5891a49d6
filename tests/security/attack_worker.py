"""The process that tries the attacks: one line of JSON in, ``[action, path]``; one out, what came of it."""
import importlib.util
import inspect
import itertools
import json
import os
import shlex
import shutil
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import torch
from attack import OUT
from mmengine.dataset import DefaultSampler
from mmengine.evaluator import BaseMetric
from mmengine.model import BaseModel
from mmengine.runner import CheckpointLoader, Runner
from shown_names import show

from mmqanet.apis import init_detector, init_model
from mmqanet.checkpoints import downloads
from mmqanet.checkpoints.loading import load_checkpoint_file
from mmqanet.checkpoints.mmengine_loading import check_resumable, install
from mmqanet.cli.boxes import read_boxes
from mmqanet.cli.main import main as mmqanet
from mmqanet.errors import DataError, MMQANetError
from mmqanet.evaluation.submission import read_submission
from mmqanet.structures.coco_people import image_index, load_coco, person_boxes
from mmqanet.structures.uv_mirror import load_uv_mirror
from mmqanet.utils.commands import run_command
from mmqanet.utils.files import read_label_map
from mmqanet.utils.images import read_image
from mmqanet.utils.matlab import read_mat

REPOSITORY = Path(__file__).parents[2]


class Tiny(BaseModel):
    """The smallest network that mmengine's runner trains."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(1, 1)

    def forward(self, inputs=None, mode='tensor', **_):
        out = self.linear(torch.as_tensor(np.asarray(inputs), dtype=torch.float32).view(-1, 1))
        return dict(loss=out.mean()) if mode == 'loss' else [out]


class Better(BaseMetric):
    """A metric that rises, so that there is always a new best checkpoint."""

    values = itertools.count(1)

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        return dict(score=next(self.values))


def tiny_checkpoint() -> dict:
    """What the runner stores of :class:`Tiny` after two epochs."""
    model = Tiny()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return dict(
        state_dict=model.state_dict(), optimizer=optimizer.state_dict(), meta=dict(epoch=2, iter=2, seed=0),
        message_hub=dict(log_scalars={}, runtime_info=dict(epoch=2, iter=2, best_score=0.0), resumed_keys={}))


def resume(path: Path) -> None:
    """Go on training from a checkpoint, as tools/train.py --resume does."""
    install()
    check_resumable(str(path))
    data = dict(dataset=[dict(inputs=1.0)], batch_size=1, sampler=dict(type=DefaultSampler, shuffle=False))
    Runner(
        model=Tiny(), work_dir=str(path.with_suffix('.run')), train_dataloader=data, val_dataloader=data,
        val_cfg=dict(), val_evaluator=[Better()], train_cfg=dict(by_epoch=True, max_epochs=4, val_interval=1),
        resume=True, load_from=str(path),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)), param_scheduler=dict(type='ConstantLR', factor=0.5),
        default_hooks=dict(checkpoint=dict(type='CheckpointHook', max_keep_ckpts=2, save_best='score', rule='greater')),
        experiment_name=path.name, default_scope='mmengine', log_level='ERROR').train()


def fetch(path: Path, address: str) -> None:
    """Load from an address behind which the file lies."""
    install()
    downloads.download_url_to_file = lambda url, target, progress: shutil.copyfile(path, target)
    torch.hub.get_dir = lambda: str(path.with_suffix('.hub'))
    CheckpointLoader.load_checkpoint(address)


def read_people(path: Path) -> None:
    content = load_coco(str(path))
    person_boxes(content['annotations'], image_index(content['images'], str(path)), str(path))


def read_pictures(path: Path) -> None:
    """Read a table or shard of pictures; what is wrong with one of them is raised."""
    from mmqanet.utils.picture_sources import read_source

    for row in read_source(str(path)):
        if row.error:
            raise DataError(row.error)


def parse_batch(path: Path) -> None:
    """Parse a shard as one batch of a distributed run that writes files; what is wrong with a picture is raised."""
    import pyarrow.parquet as pq

    from mmqanet.apis.batch.files import PictureFiles
    from mmqanet.apis.batch.parsing import ParseIntoTables
    from mmqanet.apis.batch.store import RunFolder
    from mmqanet.utils.picture_sources import read_source

    out, rows = path.parent / OUT, list(read_source(str(path)))
    RunFolder(str(out)).start({})
    files = PictureFiles(folder=out / 'files', bases=[str(path)], kinds=('palette', 'people'))
    model = dict(weights=str(path.with_name('good.pth')), device='cpu')
    ParseIntoTables(str(out), model, dict(boxes='image'), 4, files)(
        {key: [getattr(row, key) for row in rows] for key in ('picture', 'content', 'error')})
    for table in (out / 'errors').glob('*'):
        raise DataError(pq.read_table(table)['error'][0].as_py())


def start_run(path: Path) -> None:
    """Begin, or go on with, a distributed run in a folder."""
    from mmqanet.apis.batch.store import RunFolder

    folder = RunFolder(str(path))
    folder.start({})
    folder.finished()


ACTIONS = dict(
    load=load_checkpoint_file, parser=lambda path: init_model(None, path), detector=lambda path: init_detector(None, path),
    resume=resume, picture=read_image, label_map=read_label_map, boxes=lambda path: read_boxes(str(path)), coco=read_people,
    submission=lambda path: read_submission(path.parent / path.stem, 'a', num_classes=5),
    source=read_pictures, run=start_run, batch=parse_batch, names=show, mirror=load_uv_mirror,
    matlab=lambda path: read_mat(path, 'anno'), unsafe=lambda path: torch.load(path, weights_only=False))


def run(path: Path, line: str) -> dict:
    """Run a command line, in which {path} is the file, {dir} its folder and {out} the folder for results."""
    words = [word.format(path=path, dir=path.parent, out=path.parent / OUT) for word in shlex.split(line)]
    told = StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        try:
            status = main_of(words)
        except SystemExit as end:
            status = end.code
    lines = told.getvalue().strip().splitlines() or ['']
    if status == 0:
        return dict(outcome='passed', message='')
    return dict(outcome='refused' if status in (1, 2) and lines[-1] else 'raised', message=lines[-1][-3000:],
                told=told.getvalue()[-9000:])


def main_of(words: list[str]) -> int:
    """The exit status of a command of mmqanet, or of a tool by its path."""
    if not words[0].endswith('.py'):
        return mmqanet(words)
    spec = importlib.util.spec_from_file_location('tool', REPOSITORY / words[0])
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    if inspect.signature(tool.main).parameters:
        return tool.main(words[1:])
    sys.argv = words
    status, problem = run_command(tool.main)
    print(problem, file=sys.stderr)
    return status


def attempt(action: str, path: Path) -> dict:
    name, _, argument = action.partition(' ')
    try:
        if name == 'command':
            return run(path, argument)
        fetch(path, argument) if name == 'fetch' else ACTIONS[name](path)
    except MMQANetError as error:
        return dict(outcome='refused', message=str(error))
    except BaseException as error:
        return dict(outcome='raised', message=''.join(traceback.format_exception(error))[-3000:])
    return dict(outcome='passed', message='')


def main() -> None:
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # whatever else is printed
    torch.set_num_threads(1)
    for line in sys.stdin:
        action, path = json.loads(line)
        answers.write(json.dumps(attempt(action, Path(path))) + '\n')
        answers.flush()


if __name__ == '__main__':
    main()
