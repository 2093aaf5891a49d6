"""What each member of an ensemble reads of an image."""
from collections.abc import Sequence

from mmcv.transforms import BaseTransform

from mmqanet.registry import TRANSFORMS


@TRANSFORMS.register_module()
class MemberInputs(BaseTransform):
    """Make the inputs of every member by its own steps, and pack them together: the last step of an ensemble's pipeline.

    Required keys: those that the members' steps need. Added keys: inputs (a list with the inputs of each member),
    data_samples (that of the first member, with the metainfo ``member_crops``: for each member the crops of the image).

    Args:
        pipelines (Sequence[Sequence[dict]]): for each member the steps from a read image to ``PackParsingInputs``.
    """

    def __init__(self, *, pipelines: Sequence[Sequence[dict]]) -> None:
        self.pipelines = [[TRANSFORMS.build(step) for step in steps] for steps in pipelines]

    def transform(self, results: dict) -> dict:
        """Run the steps of every member on a copy of what is known of the image."""
        packed = []
        for steps in self.pipelines:
            own = dict(results)
            for step in steps:
                own = step(own)
            packed.append(own)
        sample = packed[0]['data_samples']
        sample.set_metainfo(dict(member_crops=[own['data_samples'].crops for own in packed]))
        return dict(inputs=[own['inputs'] for own in packed], data_samples=sample)
