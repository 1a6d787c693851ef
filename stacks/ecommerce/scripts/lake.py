"""What the jobs of the lake share: read new raw CSV, judge the rows, write clean and bad ones.

A job says what its columns are and which rules a row must keep. The rest is here, so that all
datasets are treated alike:

1. Read the files that no run before has committed (job bookmarks).
2. Trim texts, turn empty texts into nulls, convert columns to their types.
3. Split: rows that break a rule go to the quarantine with the reasons, the others are clean.
4. Keep the latest of rows with the same key.
5. Write clean rows as Parquet, by the day of the run.
6. Report what was read, quarantined and written: to S3 for the state machine, to the log for
   CloudWatch's metrics.
"""

import json
import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Callable, Dict, List, Optional
from urllib.parse import urlparse

import boto3
from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

ARGUMENTS = ["JOB_NAME", "raw_path", "curated_path", "quarantine_path", "quality_path"]


@dataclass
class Dataset:
    """What a job knows about its data."""

    name: str
    # Columns in the order in which the warehouse loads them, with the types they are to have.
    schema: T.StructType
    # Columns that identify a row.
    key: List[str]
    # By the name of the rule, what every row must be. Null counts as broken. Called once the job
    # has its SparkContext: before that, Spark makes no column expressions.
    rules: Callable[[], Dict[str, Column]]
    # The column that tells which of two rows with the same key is newer.
    newest_by: str
    # Folders within the folder of the day.
    partitions: List[str] = field(default_factory=list)
    # What to do with typed rows before they are judged.
    tidy: Optional[Callable[[DataFrame], DataFrame]] = None
    # Columns made of clean rows for `partitions`; they become folders, not columns of the files.
    derive: Optional[Callable[[DataFrame], DataFrame]] = None


def run(dataset: Dataset) -> None:
    """Runs the job of a dataset from the first file to the commit of the bookmark."""
    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    glue = GlueContext(SparkContext.getOrCreate())
    spark = glue.spark_session
    # Days and times mean the same whatever region this runs in.
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    # A date that cannot be read is a bad row, not the end of the job.
    spark.conf.set("spark.sql.legacy.timeParserPolicy", "CORRECTED")
    # The warehouse's COPY wants nothing but data in a folder.
    spark.conf.set("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    job = Job(glue)
    job.init(arguments["JOB_NAME"], arguments)

    now = datetime.now(timezone.utc)
    raw = read_raw(glue, dataset, arguments["raw_path"])
    if raw is None:
        print(f"no new files in {arguments['raw_path']}")
        report(dataset, arguments["quality_path"], now, rows_read=0, rows_quarantined=0, rows_written=0)
        job.commit()
        return

    judged = judge(dataset, convert(dataset, raw), now).cache()
    rows_read = judged.count()
    bad = judged.filter(F.size("_broken") > 0)
    rows_quarantined = bad.count()
    if rows_quarantined:
        # As it came, with the reasons: whoever mends the source sees what it sent.
        quarantined = bad.select(F.struct("_raw.*").alias("row"), F.col("_broken").alias("reasons"))
        (
            quarantined.withColumn("ingest_date", F.lit(now.date().isoformat()))
            .write.mode("append")
            .partitionBy("ingest_date")
            .json(arguments["quarantine_path"], compression="gzip")
        )

    clean = latest(dataset, judged.filter(F.size("_broken") == 0).drop("_broken", "_raw"))
    clean = clean.select(*[column.name for column in dataset.schema.fields], "processed_at").cache()
    rows_written = clean.count()
    if rows_written:
        write_curated(dataset, clean, arguments["curated_path"], now)

    report(dataset, arguments["quality_path"], now, rows_read, rows_quarantined, rows_written)
    # Last of all: a run that dies before this reads the same files again. It may then write rows
    # twice; the load takes the latest of each key, so nobody notices.
    job.commit()


def read_raw(glue: GlueContext, dataset: Dataset, path: str) -> Optional[DataFrame]:
    """New files as texts, or nothing. `transformation_ctx` is the name the bookmark goes by."""
    frame = glue.create_dynamic_frame.from_options(
        connection_type="s3",
        connection_options={
            "paths": [path],
            "recurse": True,
            # Many small files are read as few large ones.
            "groupFiles": "inPartition",
            "groupSize": str(64 * 1024 * 1024),
        },
        format="csv",
        format_options={"withHeader": True, "separator": ",", "quoteChar": '"', "escaper": "\\"},
        transformation_ctx=f"raw_{dataset.name}",
    )
    rows = frame.toDF()
    if not rows.columns or rows.rdd.isEmpty():
        return None
    # Sources write their headers as they like: "Customer ID" is customer_id.
    rows = rows.toDF(*[name.strip().lower().replace(" ", "_") for name in rows.columns])
    missing = [name for name in dataset.schema.names if name not in rows.columns]
    required = [column.name for column in dataset.schema.fields if not column.nullable]
    lost = sorted(set(missing) & set(required))
    if lost:
        # Not one bad row but another file format: better to stop than to quarantine everything.
        raise ValueError(f"{path} lacks the columns {', '.join(lost)}; it has {', '.join(rows.columns)}")
    for name in missing:
        rows = rows.withColumn(name, F.lit(None).cast("string"))
    return rows.select(*[F.col(name).cast("string").alias(name) for name in dataset.schema.names])


def convert(dataset: Dataset, rows: DataFrame) -> DataFrame:
    """Texts as the types of the schema. `_raw` keeps what they were."""
    rows = rows.withColumn("_raw", F.struct(*[F.col(name) for name in dataset.schema.names]))
    for column in dataset.schema.fields:
        text = F.trim(F.col(column.name))
        text = F.when(F.length(text) == 0, None).otherwise(text)
        rows = rows.withColumn(column.name, to_type(text, column.dataType))
    return dataset.tidy(rows) if dataset.tidy else rows


def to_type(text: Column, data_type: T.DataType) -> Column:
    """A text as a type, null where it is not one."""
    if isinstance(data_type, T.StringType):
        return text
    if isinstance(data_type, T.DateType):
        return F.coalesce(*[F.to_date(text, pattern) for pattern in ("yyyy-MM-dd", "dd.MM.yyyy", "MM/dd/yyyy")])
    if isinstance(data_type, T.TimestampType):
        return F.coalesce(
            *[
                F.to_timestamp(text, pattern)
                for pattern in ("yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd")
            ]
        )
    if isinstance(data_type, T.DecimalType):
        # "$1,299.00" is a price.
        return F.regexp_replace(text, r"[$€£,\s]", "").cast(data_type)
    return text.cast(data_type)


def judge(dataset: Dataset, rows: DataFrame, now: datetime) -> DataFrame:
    """Every row with the names of the rules that it breaks."""
    verdicts = []
    for column in dataset.schema.fields:
        given = F.length(F.trim(F.col(f"_raw.{column.name}"))) > 0
        if not isinstance(column.dataType, T.StringType):
            wrong = F.coalesce(given, F.lit(False)) & F.col(column.name).isNull()
            verdicts.append(F.when(wrong, F.lit(f"{column.name} is not a {column.dataType.simpleString()}")))
        if not column.nullable:
            verdicts.append(F.when(~F.coalesce(given, F.lit(False)), F.lit(f"{column.name} is missing")))
    for name, rule in dataset.rules().items():
        verdicts.append(F.when(~F.coalesce(rule, F.lit(False)), F.lit(name)))
    broken = F.filter(F.array(*verdicts), lambda verdict: verdict.isNotNull())
    return rows.withColumn("_broken", broken).withColumn("processed_at", F.lit(now).cast("timestamp"))


def latest(dataset: Dataset, rows: DataFrame) -> DataFrame:
    """One row a key: the newest."""
    newest_first = Window.partitionBy(*dataset.key).orderBy(F.col(dataset.newest_by).desc_nulls_last())
    return rows.withColumn("_rank", F.row_number().over(newest_first)).filter("_rank = 1").drop("_rank")


def write_curated(dataset: Dataset, rows: DataFrame, path: str, now: datetime) -> None:
    """Parquet by the day of the run, and by what else the dataset is asked for."""
    folders = ["ingest_date", *dataset.partitions]
    rows = rows.withColumn("ingest_date", F.lit(now.date().isoformat()))
    if dataset.derive:
        rows = dataset.derive(rows)
    # One file a folder: Redshift and Athena like few large files.
    rows.repartition(*folders).write.mode("append").partitionBy(*folders).parquet(path, compression="snappy")


def report(
    dataset: Dataset, path: str, now: datetime, rows_read: int, rows_quarantined: int, rows_written: int
) -> None:
    """The quality of this run: an object that the state machine reads, a line that metrics are made of."""
    quality = {
        "event": "quality",
        "dataset": dataset.name,
        "finished_at": now.isoformat(timespec="seconds"),
        "rows_read": rows_read,
        "rows_quarantined": rows_quarantined,
        "rows_written": rows_written,
        "rows_duplicate": rows_read - rows_quarantined - rows_written,
        "quarantined_percent": round(100 * rows_quarantined / rows_read, 2) if rows_read else 0,
    }
    target = urlparse(path)
    boto3.client("s3").put_object(
        Bucket=target.netloc,
        Key=target.path.lstrip("/"),
        Body=json.dumps(quality).encode(),
        ContentType="application/json",
    )
    print(json.dumps(quality))
