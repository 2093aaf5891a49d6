"""How the people of a test are cut out: decided by the user, the config or the checkpoint, and written into the config."""
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from mmqanet.datasets.transforms.crop import SAMPLERS, BoxesToCrops, WarpCrops
from mmqanet.engine.config import dataset_of, inner_datasets, require_parser, test_steps
from mmqanet.errors import InputError

FINER, FINEST = 2.0, 16.0  # how much nearer a second look is
STRIDE, LARGEST = 32, 4096  # of a network's input: sides are multiples of one and at most the other


@dataclass(frozen=True)
class CropOptions:
    """What a user asks of the crops.

    Attributes:
        sampler: of ``WarpCrops``; ``None`` leaves it to the config and the checkpoint.
        size: (width, height) in pixels; ``None`` leaves it to the config.
        finer: of :class:`TileLargePeople`; ``None`` looks at everybody once.
    """

    sampler: str | None = None
    size: tuple[int, int] | None = None
    finer: float | None = None

    @classmethod
    def read(cls, text: str | None) -> 'CropOptions':
        """From words with commas between them: a sampler, a size as HEIGHTxWIDTH, ``refine`` or ``refine=FINER``.

        Raises:
            InputError: there is another word, two of a kind, or a number out of range.
        """
        found: dict[str, Any] = {}
        for word in [] if text is None else str(text).split(','):
            for kind, (form, convert) in WORDS.items():
                match = re.fullmatch(form, word, flags=re.ASCII)
                if match and kind not in found:
                    found[kind] = convert(*match.groups())
                    break
            else:
                raise InputError(f'crop is {text!r}, but must be made of one of {", ".join(SAMPLERS)}, a size as '
                                 'HEIGHTxWIDTH, and refine or refine=FACTOR, with commas between them')
        return cls(**found)


def _size(height: str, width: str) -> tuple[int, int]:
    sides = int(width), int(height)
    if any(side % STRIDE or not STRIDE <= side <= LARGEST for side in sides):
        raise InputError(f'crop is {height}x{width}, but its sides must be multiples of {STRIDE} up to {LARGEST}')
    return sides


def _finer(text: str | None) -> float:
    factor = float(text or FINER)
    if not 1 < factor <= FINEST:
        raise InputError(f'crop is refine={text}, but the factor must be above 1 and at most {FINEST}')
    return factor


#: The words of :meth:`CropOptions.read`: their form, and what makes a value of it.
WORDS: dict[str, tuple[str, Callable[..., Any]]] = dict(
    sampler=(f'({"|".join(SAMPLERS)})', str), size=(r'([0-9]{1,5})x([0-9]{1,5})', _size),
    finer=(r'refine(?:=([0-9]{1,3}(?:\.[0-9]{1,3})?))?', _finer))


def use_test_crops(cfg: Config, *, asked: str | None = None, stored: str | None = None) -> str | None:
    """Decide how the crops of a test are made, in place.

    For the resampling the first of these that says something counts: the user, the config, the checkpoint. Else the crops
    are warped. Their size is the config's unless the user asks for another.

    Args:
        cfg: config with a ``test_dataloader``.
        asked: of ``--crop``, as :meth:`CropOptions.read` takes it.
        stored: ``meta.crop_sampler`` of the checkpoint, which says what its weights were made for.

    Returns:
        str | None: the sampler; ``None`` for a config that cuts no crops.

    Raises:
        InputError: ``asked`` cannot be read, or is for a config that cuts no crops, or one without test data.
    """
    options, steps = CropOptions.read(asked), test_steps(cfg, WarpCrops)
    if asked and not steps:
        raise InputError(f'--crop {asked}: the test pipeline of this config cuts no crops of people')
    for step in test_steps(cfg, BoxesToCrops) if options.size else []:
        step['input_size'] = options.size
    if options.finer:
        _add_tiles(cfg, options.finer)
    for step in steps:
        wanted = options.sampler or step.get('sampler') or stored
        if wanted:
            step['sampler'] = wanted
    return next((step.get('sampler', 'warp') for step in steps), None)


def _add_tiles(cfg: Config, finer: float) -> None:
    """Let people who are much larger than their crops be looked at twice, in place."""
    parser = require_parser(cfg, 'crop')
    if not parser.takes_tiles:
        raise InputError(f'crop refine: a {cfg.model.type} looks at people once')
    own = test_steps(cfg, BoxesToCrops)
    for dataset in inner_datasets(dataset_of(cfg, 'test_dataloader')):
        dataset.pipeline = [inserted for step in dataset.pipeline for inserted in (
            (step, dict(type='mmqanet.TileLargePeople', finer=finer)) if step in own else (step,))]
