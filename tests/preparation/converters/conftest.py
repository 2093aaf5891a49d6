"""Tiny archives in the official layouts, made at test time, one class for each data set."""
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from mmqanet.datasets import ATRDataset, CIHPDataset, LIPDataset, MHPv2Dataset, PascalPersonPartDataset
from mmqanet.datasets.ccp import CCP_CLASSES
from mmqanet.preparation.converters.atr import ATRConverter
from mmqanet.preparation.converters.cihp import CIHPConverter
from mmqanet.preparation.converters.lip import LIPConverter
from mmqanet.preparation.converters.mhp_v2 import MHPv2Converter
from mmqanet.preparation.converters.pascal_person_part import PascalPersonPartConverter

HEIGHT, WIDTH = 120, 60


def tag(name: str) -> int:
    return CCP_CLASSES.index(name)


def draw_person() -> np.ndarray:
    """A standing figure, rows 10 to 109: hair, face, shirt, belt, pants, shoes, and a bag that hangs apart."""
    tags = np.zeros((HEIGHT, WIDTH), np.uint8)
    for name, top, bottom, left, right in (
            ('hair', 10, 16, 24, 36), ('skin', 16, 25, 25, 35), ('shirt', 25, 55, 18, 42), ('belt', 55, 58, 20, 40),
            ('pants', 58, 100, 20, 40), ('shoes', 100, 110, 18, 42), ('bag', 60, 75, 46, 58)):
        tags[top:bottom, left:right] = tag(name)
    return tags


class CCPTree:
    """Writes photos and annotations."""

    def __init__(self, root: Path):
        self.root = root
        (root / 'photos').mkdir(parents=True)
        (root / 'annotations/pixel-level').mkdir(parents=True)
        cells = np.empty((1, 59), object)
        cells[0] = ['null', *CCP_CLASSES[1:]]
        savemat(root / 'label_list.mat', {'label_list': cells})

    def photo(self, name: str) -> Path:
        return self.root / 'photos' / f'{name}.jpg'

    def annotation(self, name: str) -> Path:
        return self.root / 'annotations/pixel-level' / f'{name}.mat'

    def add(self, name: str, tags: np.ndarray | None = None) -> None:
        pixels = np.random.default_rng(int(name)).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(pixels).save(self.photo(name))
        savemat(self.annotation(name), {'groundtruth': draw_person() if tags is None else tags}, do_compression=True)


@pytest.fixture
def ccp_tree(tmp_path) -> CCPTree:
    """Eight good photos, 0001 to 0008."""
    tree = CCPTree(tmp_path / 'clothing-co-parsing')
    for i in range(1, 9):
        tree.add(f'{i:04}')
    return tree


@pytest.fixture
def person_tags() -> np.ndarray:
    return draw_person()


# -- the other data sets -----------------------------------------------------------------------------------------------

SIZE = 24, 32  # rows, columns


def draw_people(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Category and human map of people side by side, each with classes 1 above 2; between them background."""
    category, human = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
    for person in range(1, count + 1):
        columns = slice(10 * person - 8, 10 * person - 2)
        category[4:10, columns], category[10:20, columns], human[4:20, columns] = 1, 2, person
    return category, human


def save(path: Path, array: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


class Archive:
    """An archive with images a, b, c for training and d, e for validation; every image has ``people`` people."""

    people = 1
    unlabelled: tuple[str, ...] = ()  # names of the images without labels

    def __init__(self, root: Path):
        self.root = root
        self.names = {split.short: ['abc', 'de', 'f'][i] for i, split in enumerate(self.Converter.splits)}
        for short, names in self.names.items():
            for name in names:
                save(self.photo(short, name), np.random.default_rng(ord(name)).integers(0, 256, (*SIZE, 3), np.uint8))
                if short not in self.unlabelled:
                    self.label(short, name, *draw_people(self.people))
            self.list_file(short).parent.mkdir(parents=True, exist_ok=True)
            self.list_file(short).write_text('\n'.join([*names, '']))

    def converter(self):
        return self.Converter(source=self.root)


class CIHPArchive(Archive):
    Converter, Dataset = CIHPConverter, CIHPDataset
    people = 2
    unlabelled = ('test',)
    folders = {'train': 'Training', 'val': 'Validation', 'test': 'Testing'}

    def folder(self, short: str) -> Path:
        return self.root / 'instance-level_human_parsing' / self.folders[short]

    def photo(self, short: str, name: str) -> Path:
        return self.folder(short) / f'Images/{name}.jpg'

    def label_file(self, short: str, name: str) -> Path:
        return self.folder(short) / f'Category_ids/{name}.png'

    def list_file(self, short: str) -> Path:
        return self.folder(short) / f'{short}_id.txt'

    def label(self, short: str, name: str, category: np.ndarray, human: np.ndarray) -> None:
        save(self.label_file(short, name), category)
        save(self.folder(short) / f'Human_ids/{name}.png', human)
        part = (category > 0) & (human > 0)
        ids = np.where(part, 20 * (human - 1) + category, 0)
        save(self.folder(short) / f'Instance_ids/{name}.png', ids.astype(np.uint8))
        rows = sorted({(20 * (int(p) - 1) + int(c), int(c), int(p)) for c, p in zip(category[part], human[part])})
        (self.folder(short) / f'Instance_ids/{name}.txt').write_text(''.join(f'{i} {c} {p}\n' for i, c, p in rows))


class LIPArchive(Archive):
    Converter, Dataset = LIPConverter, LIPDataset

    def photo(self, short: str, name: str) -> Path:
        return self.root / f'TrainVal_images/{short}_images/{name}.jpg'

    def label_file(self, short: str, name: str) -> Path:
        return self.root / f'TrainVal_parsing_annotations/{short}_segmentations/{name}.png'

    def list_file(self, short: str) -> Path:
        return self.root / f'TrainVal_images/{short}_id.txt'

    def label(self, short: str, name: str, category: np.ndarray, human: np.ndarray) -> None:
        save(self.label_file(short, name), category)


class ATRArchive(LIPArchive):
    Converter, Dataset = ATRConverter, ATRDataset

    def photo(self, short: str, name: str) -> Path:
        return self.root / f'humanparsing/JPEGImages/{name}.jpg'

    def label_file(self, short: str, name: str) -> Path:
        return self.root / f'humanparsing/SegmentationClassAug/{name}.png'

    def list_file(self, short: str) -> Path:
        return self.root / f'lists/{short}.txt'

    def converter(self) -> ATRConverter:
        return ATRConverter(source=self.root, lists=tuple(self.list_file(short) for short in self.names))


class MHPv2Archive(Archive):
    Converter, Dataset = MHPv2Converter, MHPv2Dataset
    people = 2
    unlabelled = ('test',)

    def photo(self, short: str, name: str) -> Path:
        return self.root / f'LV-MHP-v2/{short}/images/{name}.jpg'

    def label_file(self, short: str, name: str, person: int = 1, people: int = 2) -> Path:
        return self.root / f'LV-MHP-v2/{short}/parsing_annos/{name}_{people:02}_{person:02}.png'

    def list_file(self, short: str) -> Path:
        return self.root / f'LV-MHP-v2/list/{"test_all" if short == "test" else short}.txt'

    def label(self, short: str, name: str, category: np.ndarray, human: np.ndarray) -> None:
        """The label is in the first channel; the others hold something else."""
        for person in range(1, human.max() + 1):
            own = category * (human == person)
            save(self.label_file(short, name, person, human.max()), np.stack([own, own // 2, own * 0 + 7], axis=2))


class PascalArchive(Archive):
    Converter, Dataset = PascalPersonPartConverter, PascalPersonPartDataset
    people = 2

    def photo(self, short: str, name: str) -> Path:
        return self.root / f'VOC2010/JPEGImages/{name}.jpg'

    def label_file(self, short: str, name: str) -> Path:
        return self.root / f'Annotations_Part/{name}.mat'

    def list_file(self, short: str) -> Path:
        return self.root / f'lists/{short}_id.txt'

    def label(self, short: str, name: str, category: np.ndarray, human: np.ndarray) -> None:
        """Class 1 is written as the part 'hair', 2 as 'torso'; a horse stands in between."""
        people = [make_thing('person', human == person, {
            part: (category == label) & (human == person) for label, part in ((1, 'hair'), (2, 'torso'))})
            for person in range(1, human.max() + 1)]
        self.objects(name, [people[0], make_thing('horse', human == 0, {'tail': human == 0}), *people[1:]])

    def objects(self, name: str, objects: list[dict]) -> None:
        path = self.label_file('', name)
        path.parent.mkdir(parents=True, exist_ok=True)
        savemat(path, {'anno': {'imname': name, 'objects': structures(objects)}}, do_compression=True)

    def converter(self) -> PascalPersonPartConverter:
        return PascalPersonPartConverter(source=self.root, lists=tuple(map(self.list_file, self.names)))


def make_thing(title: str, mask: np.ndarray, parts: dict[str, np.ndarray]) -> dict:
    """An object of PASCAL-Part, to be written with :meth:`PascalArchive.objects`."""
    parts = [{'part_name': part, 'mask': pixels.astype(np.uint8)} for part, pixels in parts.items()]
    return {'class': title, 'class_ind': 15.0, 'mask': mask.astype(np.uint8), 'parts': structures(parts)}


def structures(entries: list[dict]) -> np.ndarray:
    """A MATLAB structure array of 1 × n, [] where it is empty."""
    if not entries:
        return np.zeros((0, 0))
    array = np.empty((1, len(entries)), [(field, object) for field in entries[0]])
    for i, entry in enumerate(entries):
        for field, value in entry.items():
            array[0, i][field] = value
    return array


ARCHIVES = {archive.Converter.title: archive
            for archive in (CIHPArchive, LIPArchive, ATRArchive, MHPv2Archive, PascalArchive)}


@pytest.fixture
def thing():
    return make_thing


@pytest.fixture
def make_archive(tmp_path, monkeypatch):
    """Makes the archive of a data set by its title, and lets its converter expect as few images as are in it."""

    def make(title: str) -> Archive:
        kind = ARCHIVES[title]
        tiny = tuple(replace(split, official=count) for split, count in zip(kind.Converter.splits, (3, 2, 1)))
        monkeypatch.setattr(kind.Converter, 'splits', tiny)
        return kind(tmp_path / 'archive')

    return make


@pytest.fixture
def official_counts() -> dict[str, list[int]]:
    return {title: [split.official for split in archive.Converter.splits] for title, archive in ARCHIVES.items()}


@pytest.fixture(params=ARCHIVES)
def archive(request, make_archive) -> Archive:
    """The archive of each data set in turn."""
    return make_archive(request.param)
