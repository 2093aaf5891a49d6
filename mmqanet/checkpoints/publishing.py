"""Checkpoints to hand on: weights, classes and config in one file of data, with its hash beside it."""
import hashlib
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mmqanet.checkpoints.tensor_files import SUFFIX, tensor_file_bytes
from mmqanet.errors import DataError
from mmqanet.utils.files import PathLike, check_overwrites, read_bytes, write_bytes
from mmqanet.version import __version__


def self_contained(state: Mapping[str, Tensor], *, cfg: str | None, dataset_meta: Mapping[str, Any], source: PathLike,
                   half: bool = False, crop_sampler: str | None = None) -> dict:
    """The content of a checkpoint that needs nothing beside it: weights, classes, and the config as text.

    Args:
        state: the weights by mmqanet's names.
        cfg: text of the config (``Config.pretty_text``); ``None`` where it is not known.
        dataset_meta: classes, palette and flip_pairs.
        source: the file that the weights come from; its name and hash are noted.
        half: store floating-point weights in half precision; whatever loads them into a model makes them float32 again.
        crop_sampler: the way of resampling crops (``'align'`` or ``'warp'``) that the weights were tested with, where it is
            not the config's.

    Returns:
        dict: ``state_dict``, and ``meta`` with cfg, dataset_meta, mmqanet_version, source and crop_sampler.

    Raises:
        DataError: a weight is not finite, or not in half precision; names it.
    """
    state = {
        key: value.detach().cpu().to(torch.float16 if half and value.is_floating_point() else value.dtype, copy=True)
        for key, value in state.items()}
    for key, value in state.items():
        if not torch.isfinite(value).all():
            raise DataError(f'{source}: {key} holds NaN or infinity{", or more than half precision can" if half else ""}')
    meta = dict(
        dataset_meta=dict(dataset_meta), mmqanet_version=__version__,
        source=dict(file=Path(source).name, sha256=hashlib.sha256(read_bytes(source, limit=None)).hexdigest()))
    optional = dict(cfg=cfg, crop_sampler=crop_sampler)
    return dict(state_dict=state, meta={**meta, **{key: value for key, value in optional.items() if value is not None}})


def publish(content: Mapping, *, source: PathLike, half: bool = False, default_classes: str | None = None) -> dict:
    """A self-contained checkpoint out of what one of ``tools/train.py`` holds, which stores config and classes already.

    Args:
        content: of the checkpoint.
        source: the file that it was read from.
        half: as of :func:`self_contained`.
        default_classes: name of the label set that the parser predicts unless it is asked for another.

    Raises:
        DataError: it lacks its weights, config or classes; names what.
    """
    meta = content.get('meta') or {}
    for where, entries, key in (('', content, 'state_dict'), ('meta.', meta, 'cfg'), ('meta.', meta, 'dataset_meta')):
        if not entries.get(key):
            raise DataError(f'{source}: {where}{key} is missing, which checkpoints of tools/train.py have')
    state = {key.removeprefix('module.'): value for key, value in content['state_dict'].items()}
    published = self_contained(
        state, cfg=without_places(meta['cfg']), dataset_meta=meta['dataset_meta'], source=source, half=half,
        crop_sampler=meta.get('crop_sampler'))
    if default_classes:
        published['meta']['default_classes'] = default_classes
    return published


def without_places(cfg: str) -> str:
    """The text of a config without the files and folders of the training that it comes from."""
    return re.sub(r'^(?:work_dir|load_from|resume) = .*\n?', '', cfg, flags=re.MULTILINE)


def checkpoint_bytes(content: dict) -> bytes:
    """What the file of a checkpoint holds."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def write_checkpoint(content: dict, path: PathLike, *, given: Iterable[PathLike | None] = ()) -> str:
    """Write a checkpoint, and ``PATH.sha256`` beside it for ``sha256sum -c``.

    Args:
        content: ``state_dict`` and, unless nothing is known of them, ``meta``.
        path: with the suffix ``.safetensors`` it is written in that format, otherwise by ``torch.save``.
        given: files that are never overwritten.

    Returns:
        str: the SHA-256 of the file.

    Raises:
        DataError: it cannot be written; then no part of it is left behind.
        InputError: safetensors is not installed, or the file is one of those given.
    """
    path = Path(path)
    digest_path = path.with_name(f'{path.name}.sha256')
    given = list(given)
    for output in (path, digest_path):
        check_overwrites(output, given)
    is_tensor_file = path.suffix == SUFFIX
    data = tensor_file_bytes(content['state_dict'], content.get('meta', {}), path) if is_tensor_file else (
        checkpoint_bytes(content))
    digest = hashlib.sha256(data).hexdigest()
    write_bytes(path, data)
    write_bytes(digest_path, f'{digest}  {path.name}\n'.encode())
    return digest
