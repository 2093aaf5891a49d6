"""Training samples are the same, to the bit, whether what was read is kept or not, and whoever has read it."""
import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import DefaultScope
from torch.utils.data import DataLoader

from mmqanet.datasets import HumanParsingDataset
from mmqanet.datasets.samplers import SeededIndex
from mmqanet.datasets.transforms import LoadImage
from mmqanet.errors import DataError
from mmqanet.functional.mirroring import swap_sides

METAINFO = dict(classes=tuple(f'class {number}' for number in range(16)), palette=[(number,) * 3 for number in range(16)],
                flip_pairs=((14, 15),))
AUGMENTATION = [dict(type='RandomCropScale'), dict(type='RandomCropRotation'), dict(type='RandomCropFlip')]


def build(tiny, *, image_mib: float, map_mib: float) -> HumanParsingDataset:
    pipeline = [
        dict(type='LoadImage', keep_mib=image_mib), dict(type='LoadPersonMap', keep_mib=map_mib),
        dict(type='BoxesToCrops', input_size=(24, 32)), *AUGMENTATION,
        dict(type='WarpCrops'), dict(type='PackParsingInputs')]
    with DefaultScope.overwrite_default_scope('mmqanet'):
        return HumanParsingDataset(**tiny.args(pipeline=pipeline, metainfo=METAINFO))


def epoch(dataset, number: int) -> list[dict]:
    return [dataset[SeededIndex(index, (0, number))] for index in range(len(dataset))]


def as_files_say(tiny, dataset, index: int, sample) -> tuple[np.ndarray, np.ndarray]:
    """Crop and labels of a sample, read by OpenCV and warped where the sample says that it lies."""
    info, crop = dataset.get_data_info(index), sample.crops[0]
    image = cv2.imread(info['img_path'], cv2.IMREAD_COLOR)
    labels = cv2.imread(info['category_path'], cv2.IMREAD_UNCHANGED)
    labels[cv2.imread(info['human_path'], cv2.IMREAD_UNCHANGED) != info['parsing_ids'][0]] = 0
    labels = cv2.warpAffine(labels, crop.index_matrix(), crop.output_size, flags=cv2.INTER_NEAREST)
    return (cv2.warpAffine(image, crop.index_matrix(), crop.output_size, flags=cv2.INTER_LINEAR),
            swap_sides(labels, ((14, 15),)) if crop.flipped else labels)


@pytest.mark.parametrize(('image_mib', 'map_mib'), [(0, 0), (1, 1), (0.02, 0.002), (0, 1), (1, 0)])
def test_samples_are_what_the_files_say_whatever_is_kept(tiny, image_mib, map_mib):
    dataset = build(tiny, image_mib=image_mib, map_mib=map_mib)
    views = set()
    for number in range(3):
        for index, sample in enumerate(epoch(dataset, number)):
            image, labels = as_files_say(tiny, dataset, index, sample['data_samples'])
            assert np.array_equal(sample['inputs'][0].permute(1, 2, 0).numpy(), image)
            assert np.array_equal(sample['data_samples'].gt_sem_seg.data[0].numpy(), labels)
            views.add(labels.tobytes())
    assert len(views) == 9  # three people in three epochs, each time elsewhere


def test_memory_is_bounded_and_what_does_not_fit_is_read_anew(tiny):
    small = build(tiny, image_mib=0.01, map_mib=0)  # 10,485 bytes, of which an image of 60x40 takes 7,208
    plain = build(tiny, image_mib=0, map_mib=0)
    for number in range(2):
        for one, other in zip(epoch(small, number), epoch(plain, number), strict=True):
            assert torch.equal(one['inputs'], other['inputs'])
    store = small.pipeline.transforms[0].kept.store
    assert (len(store), store.bytes_used) == (1, 7208)


def test_forked_workers_share_what_they_keep(tiny):
    dataset = build(tiny, image_mib=1, map_mib=1)
    expected = epoch(build(tiny, image_mib=0, map_mib=0), 1)
    indices = [SeededIndex(index, (0, 1)) for index in range(len(dataset))]
    loader = DataLoader(dataset, sampler=indices, num_workers=2, multiprocessing_context='fork', collate_fn=pseudo_collate)
    first = list(loader)
    stores = [step.kept.store for step in dataset.pipeline.transforms[:2]]
    assert [len(store) for store in stores] == [2, 3]  # here, where nothing was read
    for path in tiny.root.rglob('*.png'):
        path.unlink()
    for batches in (first, list(loader)):
        for batch, sample in zip(batches, expected, strict=True):
            assert torch.equal(batch['inputs'][0], sample['inputs'])
            assert torch.equal(batch['data_samples'][0].gt_sem_seg.data, sample['data_samples'].gt_sem_seg.data)


def test_an_image_that_is_kept_is_read_only_from_the_first_time(tiny):
    path = str(next(tiny.root.glob('Images/*.png')))
    load = LoadImage(keep_mib=1)
    images = [load(dict(img_path=path))['img'] for _ in range(2)]
    assert np.array_equal(*images)
    assert [image.flags.writeable for image in images] == [False, False]
    assert LoadImage()(dict(img_path=path))['img'].flags.writeable


def test_without_keeping_a_file_is_opened_every_time(tiny):
    path = next(tiny.root.glob('Images/*.png'))
    load = LoadImage()
    load(dict(img_path=str(path)))
    path.unlink()
    with pytest.raises(DataError, match='no such file'):
        load(dict(img_path=str(path)))
