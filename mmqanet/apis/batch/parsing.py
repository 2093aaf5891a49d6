"""What an actor of Ray Data does: it holds one model and parses batches of pictures."""
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from mmqanet.apis.batch.files import PictureFiles
from mmqanet.apis.batch.store import RunFolder, batch_name
from mmqanet.apis.batch.tables import PARSED, failed_row, parsed_row, split_rows
from mmqanet.apis.inferencer import HumanParsingInferencer
from mmqanet.apis.inputs import Picture
from mmqanet.apis.outputs import ResultWriter
from mmqanet.apis.predictions import Failed, Parsed, describe
from mmqanet.errors import MMQANetError

Batch = Mapping[str, Sequence[Any]]
TOGETHER = 2  # attempts at a batch before its pictures are parsed one by one


class ParsePictures:
    """Parse batches of pictures, as a callable class for ``ray.data.Dataset.map_batches``.

    Args:
        model: arguments of :class:`mmqanet.apis.HumanParsingInferencer` by their names.
        call: arguments of its ``stream`` by their names: ``boxes='image'`` and thresholds.
        batch_size: pictures that pass the network together.
        files: what is written of each picture, if anything; one of which that cannot be is an error of the picture.

    Raises:
        DataError, InputError: as the inferencer.
    """

    def __init__(self, model: Mapping[str, Any] | None = None, call: Mapping[str, Any] | None = None, *,
                 batch_size: int = 4, files: PictureFiles | None = None) -> None:
        self.inferencer = HumanParsingInferencer(**(model or {}))
        self.arguments, self.batch_size, self.files = dict(call or {}), batch_size, files

    def __call__(self, batch: Batch) -> pa.Table:
        """Parse a batch.

        Args:
            batch: columns ``picture`` (str, ids), ``content`` (bytes of the files, or ``None``) and perhaps ``error``
                (str, why there is no content).

        Returns:
            pyarrow.Table: of the schema ``mmqanet.apis.batch.tables.PARSED``: a row a picture in the same order, its people
            nested; ``error`` says why one could not be parsed.
        """
        return pa.Table.from_pylist(self.rows(batch), schema=PARSED)

    def rows(self, batch: Batch) -> list[dict[str, Any]]:
        """The same as dicts."""
        errors = batch.get('error', [None] * len(batch['picture']))
        rows: list[Any] = [
            failed_row(picture, error or f'{picture}: no picture in this row') if content is None else None
            for picture, content, error in zip(batch['picture'], batch['content'], errors)]
        waiting = [index for index, row in enumerate(rows) if row is None]
        items = [Picture(name=self.files.name(batch['picture'][index]) if self.files else str(index),
                         source=batch['picture'][index], content=bytes(batch['content'][index])) for index in waiting]
        writer = self.files.writer(self.inferencer.label_set) if self.files else None
        results = self.inferencer.stream(items, self.batch_size, **self.arguments)
        for index, result in zip(waiting, results, strict=True):
            rows[index] = self._row(batch['picture'][index], result, writer)
        return rows

    def _row(self, picture: str, result: Parsed | Failed, writer: ResultWriter | None) -> dict[str, Any]:
        """The row of a picture, after its files are written."""
        if isinstance(result, Failed):
            return failed_row(picture, result.error)
        try:
            if writer is not None:
                writer.write(result)
        except MMQANetError as error:
            return failed_row(picture, error)
        return parsed_row(picture, describe(result, self.inferencer.label_set))


class ParseIntoTables:
    """Parse batches and write their tables, such that a batch may be parsed again at any time.

    A picture that ends its worker, as by using up the memory, is found by parsing the batch one by one, and is an error.

    Args:
        address: of the run's folder, which :meth:`RunFolder.start` has prepared.
        model, call, batch_size, files: as in :class:`ParsePictures`.
    """

    def __init__(self, address: str, model: Mapping[str, Any], call: Mapping[str, Any], batch_size: int,
                 files: PictureFiles | None = None) -> None:
        self.parse = ParsePictures(model, call, batch_size=batch_size, files=files)
        self.folder = RunFolder(address)

    def __call__(self, batch: Batch) -> dict[str, list[int]]:
        """Parse a batch; the numbers of its pictures, people and errors."""
        name = batch_name(batch['picture'])
        with self.folder.attempt(name) as earlier:
            if earlier < TOGETHER:
                rows = self.parse.rows(batch)
            else:
                rows = [self._one({key: values[index:index + 1] for key, values in batch.items()})
                        for index in range(len(batch['picture']))]
            tables = split_rows(rows, classes=self.parse.inferencer.label_set.classes)
            self.folder.commit(name, tables)
        return {key: [table.num_rows] for key, table in tables.items()}

    def _one(self, batch: Batch) -> dict[str, Any]:
        picture = batch['picture'][0]
        with self.folder.attempt(f'{batch_name([picture])}-alone') as earlier:
            if earlier:
                return failed_row(picture, f'{picture}: ended the worker that parsed it, perhaps for lack of memory')
            return self.parse.rows(batch)[0]
