"""Dense pose: geodesic point similarity and average precision."""
from mmqanet.evaluation.dense_pose.body import BodyFiles, BodySurface
from mmqanet.evaluation.dense_pose.distances import Distances
from mmqanet.evaluation.dense_pose.matching import ImageRecord, Mode, Precisions, average_precision, match_image
from mmqanet.evaluation.dense_pose.offline import evaluate_dense_pose, read_annotations, record_image
from mmqanet.evaluation.dense_pose.result_files import read_charts, read_results, write_results
from mmqanet.evaluation.dense_pose.similarity import (
    AnnotatedPerson,
    DetectedPerson,
    Evaluator,
    box_ious,
    mask_ious,
    point_similarity,
    read_people,
)

__all__ = [
    'AnnotatedPerson',
    'BodyFiles',
    'BodySurface',
    'DetectedPerson',
    'Distances',
    'Evaluator',
    'ImageRecord',
    'Mode',
    'Precisions',
    'average_precision',
    'box_ious',
    'evaluate_dense_pose',
    'mask_ious',
    'match_image',
    'point_similarity',
    'read_annotations',
    'read_charts',
    'read_people',
    'read_results',
    'record_image',
    'write_results',
]
