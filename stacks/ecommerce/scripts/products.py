"""Products: raw CSV → curated Parquet. The work is in lake.py; here is what products are."""

from typing import Dict

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

import lake

MONEY = T.DecimalType(12, 2)

SCHEMA = T.StructType(
    [
        T.StructField("product_id", T.StringType(), nullable=False),
        T.StructField("product_name", T.StringType(), nullable=False),
        T.StructField("category", T.StringType()),
        T.StructField("brand", T.StringType()),
        T.StructField("price", MONEY, nullable=False),
        T.StructField("cost", MONEY),
        T.StructField("updated_at", T.TimestampType()),
    ]
)


def tidy(rows: DataFrame) -> DataFrame:
    """Categories are grouped by in every report: one spelling each, none empty."""
    return rows.withColumn(
        "category", F.coalesce(F.initcap(F.regexp_replace("category", r"[\s_-]+", " ")), F.lit("Uncategorized"))
    ).withColumn("brand", F.coalesce("brand", F.lit("Unknown")))


def rules() -> Dict[str, Column]:
    """What every row must be. Columns exist only once there is a SparkContext, so this is a function."""
    return {
        "price is negative": F.col("price") >= 0,
        "cost is negative": F.col("cost").isNull() | (F.col("cost") >= 0),
        "product_name is too long": F.length("product_name") <= 256,
    }


lake.run(
    lake.Dataset(
        name="products",
        schema=SCHEMA,
        key=["product_id"],
        newest_by="updated_at",
        tidy=tidy,
        rules=rules,
    )
)
