"""Where a model comes from: the config and the weights that a name, a config or a checkpoint stands for."""
import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.model import revert_sync_batchnorm
from mmengine.registry import DefaultScope

from mmqanet.checkpoints.loading import load_checkpoint_file, load_weights
from mmqanet.checkpoints.model_index import find_model, weights_of
from mmqanet.checkpoints.stored_config import building, read_stored_config
from mmqanet.checkpoints.stored_meta import read_stored_meta
from mmqanet.engine.config import find_class, read_config, scope_of
from mmqanet.errors import DataError, InputError
from mmqanet.registry import DATASETS, MODELS

META_KEYS = ('classes', 'palette', 'flip_pairs')


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        cfg: its config, a copy.
        checkpoint: the file of its weights, if there is one.
        content: what that file holds.
        meta: what that file says of itself.
        carries_config: whether ``cfg`` comes out of that file.
    """

    cfg: Config
    checkpoint: str | Path | None
    content: dict
    meta: Mapping
    carries_config: bool

    @classmethod
    def find(cls, config: str | Path | Config | None, checkpoint: str | Path | None, *, purpose: str) -> 'ModelSource':
        """Read what a caller names.

        Args:
            config: a config file, a ``Config``, the name of a model of ``model-index.yml`` (its weights come along, unless
                others are given), or ``None`` for the config that ``checkpoint`` carries.
            checkpoint: weights, or ``None``.
            purpose: names in errors what needs the config.

        Raises:
            DataError: the checkpoint is missing, broken or would execute code.
            InputError: there is no such config or name, no weights for a name, the checkpoint carries no config, or the
                config has no model or no test data.
        """
        if isinstance(config, str | Path) and not os.path.isfile(config):
            entry = find_model(str(config))
            config, checkpoint = entry.config, checkpoint or weights_of(entry)
        if config is None and checkpoint is None:
            raise InputError('config: neither a config nor a checkpoint that carries one is given')
        content = {} if checkpoint is None else load_checkpoint_file(checkpoint)
        meta = read_stored_meta(content, checkpoint or '')
        if config is None:
            cfg = read_stored_config(content, checkpoint)
        else:
            cfg = config.copy() if isinstance(config, Config) else read_config(config)
        for part in ('model', 'test_dataloader'):
            if not cfg.get(part):
                raise InputError(f'{cfg.filename or checkpoint or "config"}: {purpose} needs {part!r} in the config')
        return cls(cfg=cfg, checkpoint=checkpoint, content=content, meta=meta, carries_config=config is None)

    def building(self) -> AbstractContextManager:
        """While something is built by the config: what constructors raise is the fault of a file that carries it."""
        return building(self.checkpoint) if self.carries_config else nullcontext()

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """While a config that a checkpoint carries is read: that an argument in it is wrong is the fault of that file."""
        try:
            yield
        except InputError as error:
            if not self.carries_config or str(self.checkpoint) in str(error):
                raise
            raise DataError(f'{self.checkpoint}: its config is refused ({error})') from None

    def build(self) -> Any:
        """The untrained network, with its ``cfg``, in the scope of the config.

        Raises:
            InputError: an argument in the config is out of its range. DataError: the same in a config that a checkpoint
                carries; names the file.
        """
        with self.blamed(), DefaultScope.overwrite_default_scope(scope_of(self.cfg)):
            model = revert_sync_batchnorm(MODELS.build(self.cfg.model.copy()))
        model.cfg = self.cfg
        return model

    def load(self, model: Any, device: str) -> Any:
        """Put the weights into a model, if there are any; in evaluation mode on a device.

        Raises:
            InputError: the weights belong to another config (names the keys), or there is no such device.
        """
        if self.checkpoint is not None:
            load_weights(model, self.content.get('state_dict', self.content), self.checkpoint)
        return model.to(usable_device(device)).eval()


def usable_device(device: str) -> torch.device:
    """A device of this machine by its name; raises ``InputError`` where it cannot compute."""
    try:
        torch.zeros(1, device=device).cpu()
        return torch.device(device)
    except Exception as error:  # there is none, torch was built without it, or a package is missing
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f'device {device!r} cannot be used: {reason}') from None


def dataset_meta(cfg: Config, *, stored: Mapping | None = None) -> dict:
    """classes, palette and flip_pairs of the data set that a config tests on, unless a checkpoint ``stored`` others."""
    dataset = cfg.test_dataloader.dataset
    declared = getattr(find_class(DATASETS, dataset.type, scope=scope_of(cfg)), 'METAINFO', {})
    meta = {**declared, **(dataset.get('metainfo') or {}), **(stored or {})}
    for key in META_KEYS:
        if key not in meta:
            raise InputError(f'{cfg.filename or "config"}: its test data set names no {key}')
    return {key: meta[key] for key in META_KEYS}


def check_meta(meta: Mapping, number: int, *, where: str) -> None:
    """Raise ``InputError`` unless classes, colours and pairs of left and right are those of a network of so many classes."""
    for key in ('classes', 'palette'):
        if len(meta[key]) != number:
            raise InputError(f'{where}: {key} names {len(meta[key])} of the {number} classes of the network')
    if any(not 0 < label < number for pair in meta['flip_pairs'] for label in pair):
        raise InputError(f'{where}: flip_pairs leave the {number} classes of the network')
