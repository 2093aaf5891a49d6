"""What every parser promises: tools, apis, metrics and hooks rely on this and ask no parser for its kind.

    N people of an image, C classes with background as class 0.
"""
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, ClassVar

from mmengine.config import Config
from mmengine.model import BaseModel

from mmqanet.errors import InputError
from mmqanet.registry import MODELS
from mmqanet.structures import ParsingDataSample


class BoxUse(Enum):
    """What a parser does with the boxes of people."""

    REQUIRED = 'required'  # it parses the people in given boxes; without boxes an image is one person
    OPTIONAL = 'optional'  # it parses the people in given boxes; without boxes it finds the people itself
    REFUSED = 'refused'  # it finds the people itself, always


class BaseParser(BaseModel):
    """A network that labels every pixel of every person of an image.

    The config's pipelines make what a parser reads: crops of people, whole images, or both. A parser therefore defines
    ``inputs`` together with the last transform of its pipelines. What is fixed is what comes out.

    A parser says before it is built what its config means (:meth:`classes_in`, :meth:`set_test_options`), because the
    config is what a run prints and stores.

    Args:
        data_preprocessor (dict, optional): ``ParsingDataPreprocessor`` by default.
        postprocessor (dict, optional): config of what turns probabilities into people and image maps; needed to predict.
        init_cfg (dict, optional): initialisation.

    Attributes:
        box_use (BoxUse): what the parser does with boxes; an ensemble may set it on the instance.
        keeps_probs (bool): whether ``predict`` gives the people's probabilities to samples that ask for them
            (metainfo ``keep_probs``): ``pred_instances.crop_probs`` and ``crop_windows``.
        gives_surface (bool): whether people have ``pred_instances.uv_maps``, so that the classes are charts of the body.
        takes_tiles (bool): whether ``predict`` can look at a person a second time, in the ``tiles`` of
            :class:`TileLargePeople`.
        speed_options (tuple[str, ...]): constructor arguments that change time and memory but not the prediction.
        cfg, pipeline, dataset_meta: added by ``init_model``: the config, its test pipeline from an image (and boxes, where
            they are given) to ``inputs`` and ``data_samples``, and classes, palette and flip_pairs.
    """

    box_use: BoxUse
    cfg: Config
    pipeline: Callable[[dict], dict]
    dataset_meta: Mapping[str, Any]
    keeps_probs: ClassVar[bool] = False
    gives_surface: ClassVar[bool] = False
    takes_tiles: ClassVar[bool] = False
    speed_options: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, data_preprocessor: dict | None = None, postprocessor: dict | None = None,
                 init_cfg: dict | None = None) -> None:
        super().__init__(MODELS.build(data_preprocessor or dict(type='ParsingDataPreprocessor')), init_cfg)
        self.postprocessor: Any = MODELS.build(postprocessor) if postprocessor else None

    @property
    @abstractmethod
    def num_classes(self) -> int:
        """C, background included."""

    @classmethod
    @abstractmethod
    def classes_in(cls, model: Mapping[str, Any]) -> int:
        """C of the parser that a ``model`` config describes, without building it."""

    @classmethod
    @abstractmethod
    def set_test_options(cls, model: dict[str, Any], *, flip: bool | None = None, max_batch: int | None = None) -> None:
        """Write options of testing into a ``model`` config, in place. ``None`` leaves an option as it is.

        The scales of multi-scale testing are not here: the pipeline makes the inputs (``MultiScaleTransform``).

        Args:
            model: of a config.
            flip: average over the mirror image, left and right classes swapped back.
            max_batch: most crops or images that pass the network at once.
        """

    @classmethod
    def set_precision(cls, model: dict[str, Any], precision: str) -> None:
        """Let the parser of a ``model`` config predict with features of a precision, in place.

        Args:
            model: of a config.
            precision: ``'float32'`` or ``'bfloat16'``.

        Raises:
            InputError: parsers of this kind do not know it; by default float32 alone is known.
        """
        if precision != 'float32':
            raise InputError(f'precision: {cls.__name__} knows float32 only, not {precision}')

    @classmethod
    def set_merging(cls, model: dict[str, Any], *, table: Sequence[int], flip_pairs: Sequence[tuple[int, int]]) -> None:
        """Let the parser of a ``model`` config predict fewer classes, in place.

        Args:
            model: of a config.
            table: for each class the merged one, 0 to M - 1, or -1 for one left out.
            flip_pairs: left and right classes of the network.

        Raises:
            InputError: parsers of this kind cannot; by default none can.
        """
        raise InputError(f'classes: {cls.__name__} cannot merge its classes')

    @abstractmethod
    def loss(self, inputs: Any, data_samples: list[ParsingDataSample]) -> dict[str, Any]:
        """Losses of a training batch, by name."""

    @abstractmethod
    def predict(self, inputs: Any, data_samples: list[ParsingDataSample]) -> list[ParsingDataSample]:
        """Parse all people of all images.

        Args:
            inputs: what the pipeline packed, one entry an image.
            data_samples: one an image. Metainfo: ``ori_shape`` (H, W), ``flip_pairs`` and what the parser's own pipeline
                adds. ``gt_instances``, where present, holds the boxes of the people to parse: ``bboxes`` (N, 4) xyxy,
                ``bbox_scores`` (N,). A parser that may find people itself does so in samples without it.

        Returns:
            list[ParsingDataSample]: the samples, with ``pred_instances``, ``pred_maps`` and ``pred_parts`` as
            :class:`ParsingDataSample` describes them, also where nobody is found.

        Raises:
            InputError: the parser has no post-processor.
        """

    @abstractmethod
    def _forward(self, inputs: Any) -> Any:
        """The bare network on preprocessed inputs: ``mode='tensor'``."""

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = 'tensor') -> Any:
        """``mode='loss'``: dict of losses; ``'predict'``: data samples; ``'tensor'``: what the bare network returns."""
        match mode:
            case 'loss':
                return self.loss(inputs, data_samples)
            case 'predict':
                if self.postprocessor is None:
                    raise InputError(f'postprocessor: {type(self).__name__} needs one in its config to predict')
                return self.predict(inputs, data_samples)
            case 'tensor':
                return self._forward(inputs)
        raise ValueError(f"mode is {mode!r}, but a parser knows 'loss', 'predict' and 'tensor'")
