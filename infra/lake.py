"""What puts a day of a warehouse table into the lake, as BigQuery's own SQL. Pure.

A day is exported once, eight days after it: by then all but a few of its rows have come (devices
that were offline for longer report later; those rows are in the warehouse alone), and a folder that
is written once needs no second look from those who read it.
"""

from __future__ import annotations

from shared.resources import LakeExport

SETTLED_AFTER_DAYS = 8
HOUR_UTC = "04:00"


def rows_of_a_day(export: LakeExport, dataset: str, day: str, following: str) -> str:
    """Query for the rows of `day` (YYYY-MM-DD, UTC), each once; `following` is the day after it and
    `dataset` is `project.dataset`.

    The bounds stand inside, where they spare BigQuery the other partitions. The view that tells
    rows apart over all time would have to read every one of them for each day.
    """
    table = export.table
    return (
        "SELECT * EXCEPT (delivery) FROM (SELECT *, ROW_NUMBER() OVER "
        f"(PARTITION BY {', '.join(export.unique_by)} ORDER BY publish_time, message_id) "
        f"AS delivery FROM `{dataset}.{table.name}` WHERE {table.partition_by} >= "
        f"TIMESTAMP('{day}') AND {table.partition_by} < TIMESTAMP('{following}')) "
        "WHERE delivery = 1"
    )


def export_statement(
    export: LakeExport, dataset: str, bucket: str, day: str, following: str
) -> str:
    """Writes the rows of `day` as Parquet to `gs://<bucket>/<table>/day=<day>/`.

    https://cloud.google.com/bigquery/docs/exporting-data#export_data_statement
    """
    return (
        f"EXPORT DATA OPTIONS (uri = 'gs://{bucket}/{export.table.name}/day={day}/*.parquet', "
        "format = 'PARQUET', compression = 'SNAPPY', overwrite = true) AS "
        + rows_of_a_day(export, dataset, day, following)
    )


def export_script(export: LakeExport, dataset: str, bucket: str) -> str:
    """The statement for the day that has settled at `@run_date`, which a scheduled query is given.

    https://cloud.google.com/bigquery/docs/scheduling-queries#available_parameters
    """
    statement = export_statement(export, dataset, bucket, "%t", "%t")
    return (
        f"DECLARE day DATE DEFAULT DATE_SUB(@run_date, INTERVAL {SETTLED_AFTER_DAYS} DAY);\n"
        f'EXECUTE IMMEDIATE FORMAT("""{statement}""",\n'
        "  day, day, DATE_ADD(day, INTERVAL 1 DAY));\n"
    )
