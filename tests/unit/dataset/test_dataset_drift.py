"""One definition: the tidy table, the SQL table, the Parquet files and the documents say the same of the same thing."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest
from assay.database.models import Statistic
from assay.dataset.content import DatasetContent
from assay.dataset.models.base import DOCUMENT_UNITS, Configuration, Measured, Provisional
from assay.dataset.models.benchmarks import RankingKey
from assay.dataset.quantity import FURTHER
from assay.dataset.select import CONFIGURATION
from assay.dataset.tables import MEASUREMENTS, STATISTICS, measurements_table, statistics_table
from assay.measurement import EXECUTION_COLUMNS, IN_UNIT, MEASUREMENT_COLUMNS, MEASUREMENT_UNITS, RANKING_KEY
from assay.statistic import PUBLISHED_AS, STATISTIC_COLUMNS, STATISTIC_UNITS
from dataset_content import make_content
from sqlalchemy import Double, Float, Integer, Text

SQL = {column.name: column for column in Statistic.__table__.columns if column.name not in ("dataset", "key")}
KINDS = {"string": Text, "float64": (Double, Float), "int64": Integer}
FIELDS = Measured.model_fields


@pytest.fixture(scope="module")
def content() -> DatasetContent:
    return make_content()


def test_sql_columns_are_the_columns_of_the_statistics_in_name_kind_and_words() -> None:
    assert list(SQL) == list(STATISTIC_COLUMNS)
    assert {name: column.comment for name, column in SQL.items()} == {name: says for name, (_, says) in STATISTIC_COLUMNS.items()}
    for name, (dtype, _) in STATISTIC_COLUMNS.items():
        assert dtype == "object" or isinstance(SQL[name].type, KINDS[dtype]), name


@pytest.mark.parametrize(
    ("name", "columns", "units"),
    [(STATISTICS, STATISTIC_COLUMNS, STATISTIC_UNITS), (MEASUREMENTS, MEASUREMENT_COLUMNS, MEASUREMENT_UNITS)],
)
def test_parquet_fields_carry_the_words_and_units_of_the_columns(
    content: DatasetContent, name: str, columns: dict[str, tuple[str, str]], units: dict[str, str]
) -> None:
    data = statistics_table(content.statistics) if name == STATISTICS else measurements_table(content.measurements)
    schema = pq.read_schema(io.BytesIO(data))
    assert schema.names == list(columns)
    for field in schema:
        about = {key.decode(): value.decode() for key, value in field.metadata.items() if not key.startswith(b"PARQUET")}
        assert about == {"description": columns[field.name][1], **({"unit": units[field.name]} if field.name in units else {})}


def test_every_numeric_column_has_a_unit_and_no_other_column_has_one() -> None:
    for columns, units in ((MEASUREMENT_COLUMNS, MEASUREMENT_UNITS), (STATISTIC_COLUMNS, STATISTIC_UNITS)):
        assert {name for name, (dtype, _) in columns.items() if dtype.lower().startswith(("int", "float"))} == set(units)
        assert set(units.values()) <= {*DOCUMENT_UNITS, IN_UNIT}


@pytest.mark.parametrize("column", sorted(PUBLISHED_AS))
def test_a_published_field_says_what_its_column_says(column: str) -> None:
    field = FIELDS[PUBLISHED_AS[column]]
    if column in STATISTIC_UNITS:
        assert field.json_schema_extra == {"x-unit": STATISTIC_UNITS[column]}
    if column not in ("ci_low", "ci_high", "unit"):  # two columns are one field; `unit` says of what
        assert str(field.description).startswith(STATISTIC_COLUMNS[column][1])


def test_every_field_of_a_quantity_is_a_column_but_the_name_of_its_configuration() -> None:
    assert set(FIELDS) - set(PUBLISHED_AS.values()) == {"configuration"}
    assert set(Provisional.model_fields) < set(FIELDS)
    assert all(PUBLISHED_AS[column] == field for column, field in FURTHER.items())


def test_what_makes_numbers_comparable_has_the_same_words_everywhere() -> None:
    assert tuple(Configuration.model_fields) == tuple(CONFIGURATION)
    assert set(RankingKey.model_fields) == set(RANKING_KEY)
    for name, field in RankingKey.model_fields.items():
        assert field.description == MEASUREMENT_COLUMNS[name][1] == STATISTIC_COLUMNS[name][1]
    shared = set(EXECUTION_COLUMNS) & set(MEASUREMENT_COLUMNS) - {"session", "file"}
    assert {name for name in shared if EXECUTION_COLUMNS[name] != MEASUREMENT_COLUMNS[name]} == set()
