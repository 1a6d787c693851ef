"""Customers: raw CSV → curated Parquet. The work is in lake.py; here is what customers are."""

from typing import Dict

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

import lake

SCHEMA = T.StructType(
    [
        T.StructField("customer_id", T.StringType(), nullable=False),
        T.StructField("first_name", T.StringType()),
        T.StructField("last_name", T.StringType()),
        T.StructField("email", T.StringType(), nullable=False),
        T.StructField("city", T.StringType()),
        T.StructField("state", T.StringType()),
        T.StructField("country", T.StringType()),
        T.StructField("updated_at", T.TimestampType()),
    ]
)


def tidy(rows: DataFrame) -> DataFrame:
    """The same customer looks the same whichever shop wrote the file."""
    for name in ("first_name", "last_name", "city"):
        rows = rows.withColumn(name, F.initcap(F.regexp_replace(name, r"\s+", " ")))
    return (
        rows.withColumn("email", F.lower("email"))
        .withColumn("state", F.upper("state"))
        .withColumn("country", F.upper("country"))
    )


def rules() -> Dict[str, Column]:
    """What every row must be. Columns exist only once there is a SparkContext, so this is a function."""
    return {
        "email is not an address": F.col("email").rlike(r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
        "country is not an ISO code": F.col("country").isNull() | F.col("country").rlike(r"^[A-Z]{2,3}$"),
        "updated_at is in the future": F.col("updated_at").isNull()
        | (F.col("updated_at") <= F.current_timestamp() + F.expr("INTERVAL 1 DAY")),
    }


lake.run(
    lake.Dataset(
        name="customers",
        schema=SCHEMA,
        key=["customer_id"],
        newest_by="updated_at",
        tidy=tidy,
        rules=rules,
    )
)
