"""DensePose-COCO."""
from mmqanet.datasets.human_parsing import HumanParsingDataset
from mmqanet.functional.charts import CHART_PAIRS, CHARTS
from mmqanet.registry import DATASETS
from mmqanet.structures.coco_people import PERSON_CATEGORY, person_boxes

FIELDS = ('dp_x', 'dp_y', 'dp_I', 'dp_U', 'dp_V', 'dp_masks')


@DATASETS.register_module()
class DensePoseCOCODataset(HumanParsingDataset):
    """DensePose-COCO: people of COCO with points on the surface of their bodies.

    - 39,210 people in 26,437 photos to train on, 7,297 in 5,984 (valminusminival) that papers train on as well, 2,243 in
      1,508 (minival) to validate on; the test set has no annotation.
    - Classes are the 24 charts of the body and background. Left and right are the person's own.
    - An annotated person has about 100 points, ``dp_x``, ``dp_y`` in the box, ``dp_I`` chart, ``dp_U``, ``dp_V`` in
      [0, 1], and ``dp_masks`` of 14 coarse parts. People without them are in the same photos: training leaves them out,
      evaluation ignores them.
    - On disk: the official ``densepose_coco_2014_{train,valminusminival,minival}.json`` and COCO's photos of 2014; page
      docs/densepose.md.
    - Licence: COCO's photos have those of their authors on Flickr. That of the annotations was not verified here. The body
      tables of the evaluation derive from SMPL, which may not be handed on.

    Training yields a sample for every annotated person; testing one for every image, with the boxes of its annotated people
    or those of ``detection_file``. Arguments are those of :class:`HumanParsingDataset`; there are no maps on disk.

    Güler, Neverova, Kokkinos, "DensePose: Dense Human Pose Estimation In The Wild", CVPR 2018, arXiv:1802.00434.
    """

    METAINFO = dict(
        classes=CHARTS,
        palette=(
            (0, 0, 0), (67, 97, 118), (92, 130, 156), (230, 57, 70), (255, 159, 28), (255, 214, 10), (112, 22, 30),
            (22, 96, 136), (56, 176, 0), (46, 150, 200), (112, 214, 60), (46, 196, 182), (188, 108, 37), (110, 231, 220),
            (214, 146, 84), (157, 78, 221), (255, 105, 180), (190, 130, 240), (255, 160, 205), (0, 180, 216),
            (247, 127, 0), (120, 215, 240), (255, 180, 90), (255, 224, 189), (236, 188, 150)),
        flip_pairs=tuple(tuple(sorted(pair, key=lambda chart: CHARTS[chart])) for pair in CHART_PAIRS),
    )

    def _annotated_people(self, annotations: list[dict], images: dict[int, dict]) -> dict[int, list[dict]]:
        """The people with dense pose; COCO has no ids of people in maps."""
        surfaces = [{'parsing_id': 0, **annotation} for annotation in annotations
                    if annotation.get('category_id', PERSON_CATEGORY) == PERSON_CATEGORY
                    and all(key in annotation for key in FIELDS)]
        people = person_boxes(surfaces, images, self.ann_file)
        by_id = {annotation['id']: annotation for annotation in surfaces}
        return {image: [{**person, **{key: by_id[person['id']][key] for key in FIELDS}} for person in found]
                for image, found in people.items()}

    def _person_info(self, person: dict) -> dict:
        return {**super()._person_info(person), 'dense_pose': {key: person[key] for key in ('id', 'bbox', *FIELDS)}}
