"""A run over many pictures on a cluster of Ray: read, parse, write tables."""
import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmqanet.apis.batch.files import PictureFiles
from mmqanet.apis.batch.parsing import ParseIntoTables
from mmqanet.apis.batch.store import RunFolder
from mmqanet.errors import DataError, InputError
from mmqanet.utils.picture_sources import unfinished_rows

READER_CPUS = 0.1  # so that readers and actors fit on few cores together


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What of a cluster a run uses.

    Attributes:
        address: of Ray's head; ``None``: processes on this machine.
        workers: actors, each with a model.
        cpus, gpus: of an actor; a part of a GPU is shared by actors.
    """

    address: str | None = None
    workers: int = 1
    cpus: float = 1
    gpus: float = 0


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is parsed, and how.

    Attributes:
        sources: of :func:`mmqanet.utils.picture_sources.list_sources`.
        out: address of the folder for the tables.
        model, call, batch_size: of :class:`mmqanet.apis.batch.ParsePictures`.
        pictures_per_table: that a worker parses before it writes them as a file of each table; by default ``batch_size``.
        column: of Parquet tables, with the pictures.
        files: what else is written of each picture.
    """

    sources: Sequence[str]
    out: str
    model: Mapping[str, Any] = field(default_factory=dict)
    call: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 4
    pictures_per_table: int | None = None
    column: str | None = None
    files: PictureFiles | None = None


def connect(cluster: Cluster) -> None:
    """Join a cluster, or start one on this machine.

    Raises:
        InputError: Ray is not installed, or nobody answers at the address.
    """
    try:
        import ray.data
    except ImportError:
        raise InputError("--engine ray needs Ray: pip install 'mmqanet[ray]'") from None
    logging.getLogger('ray.data').setLevel(logging.ERROR)
    if ray.is_initialized():
        return
    own = {} if cluster.address else dict(num_cpus=max(os.cpu_count() or 1, int(cluster.workers * cluster.cpus) + 1),
                                          include_dashboard=False)
    try:
        ray.init(address=cluster.address, log_to_driver=False, logging_level='warning', **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f'--ray-address {cluster.address}: no cluster answers ({error})') from None


def run_job(job: Job, cluster: Cluster, *, options: Mapping[str, Any]) -> Iterator[Counter]:
    """Parse what is not parsed yet; numbers of pictures, people and errors as they come.

    Args:
        options: model and thresholds, as :meth:`mmqanet.apis.HumanParsingInferencer.options` gives them.

    Raises:
        DataError, InputError: as :meth:`RunFolder.start`, or a worker could not go on; the same call resumes the run.
    """
    import ray
    from ray.exceptions import RayError

    folder = RunFolder(job.out)
    folder.start(options)
    finished = ray.put(folder.finished())
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    rows = ray.data.from_items(list(job.sources), override_num_blocks=min(len(job.sources), 10_000)).map_batches(
        unfinished_rows, batch_size=1, num_cpus=READER_CPUS, fn_kwargs=dict(column=job.column, finished=[finished]))
    counts = rows.map_batches(
        ParseIntoTables, batch_size=job.pictures_per_table or job.batch_size,
        compute=ray.data.ActorPoolStrategy(size=cluster.workers), num_cpus=cluster.cpus, num_gpus=cluster.gpus or None,
        fn_constructor_args=(job.out, job.model, job.call, job.batch_size, job.files))
    try:
        for row in counts.iter_rows():
            yield Counter(row)
    except RayError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DataError(f'a worker cannot go on ({reason}); the same command goes on from here') from None
