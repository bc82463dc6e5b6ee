"""Features as Parquet: ids as text, a column of float32 for each feature."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from io import BytesIO


class Rows:
    """Rows that become one Parquet file; 4 bytes for each feature until then."""

    def __init__(self, id_names: Sequence[str], features: Sequence[str]) -> None:
        self._ids: dict[str, list[str]] = {name: [] for name in id_names}
        self._features = {name: array("f") for name in features}

    def __len__(self) -> int:
        return len(next(iter(self._ids.values())))

    def add(self, ids: Sequence[str], features: Mapping[str, float]) -> None:
        """One more row; `ids` in the order of their names."""
        for column, one in zip(self._ids.values(), ids, strict=True):
            column.append(one)
        for name, values in self._features.items():
            values.append(features[name])

    def to_parquet(self, notes: Mapping[str, str]) -> bytes:
        """The file, with `notes` as its metadata."""
        import numpy as np
        import pyarrow as pa
        from pyarrow import parquet

        columns = {name: pa.array(ids, pa.string()) for name, ids in self._ids.items()}
        for name, values in self._features.items():
            columns[name] = pa.array(np.frombuffer(values, np.float32))
        table = pa.table(columns).replace_schema_metadata(dict(notes))
        file = BytesIO()
        parquet.write_table(table, file, compression="zstd")
        return file.getvalue()


def last_id(content: bytes, name: str) -> str:
    """The last row's value in the text column `name` of a Parquet file."""
    from pyarrow import parquet

    file = parquet.ParquetFile(BytesIO(content))
    column = file.read_row_group(file.num_row_groups - 1, columns=[name]).column(name)
    found: str = column[-1].as_py()
    return found
