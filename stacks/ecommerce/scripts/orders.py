"""Orders: raw CSV → curated Parquet. The work is in lake.py; here is what orders are."""

from typing import Dict

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

import lake

MONEY = T.DecimalType(12, 2)
TOTAL = T.DecimalType(18, 2)

SCHEMA = T.StructType(
    [
        T.StructField("order_id", T.StringType(), nullable=False),
        T.StructField("customer_id", T.StringType(), nullable=False),
        T.StructField("product_id", T.StringType(), nullable=False),
        T.StructField("order_date", T.DateType(), nullable=False),
        T.StructField("quantity", T.IntegerType(), nullable=False),
        T.StructField("unit_price", MONEY, nullable=False),
        T.StructField("total_amount", TOTAL),
    ]
)


def tidy(rows: DataFrame) -> DataFrame:
    """Some shops leave the total to us."""
    computed = (F.col("quantity") * F.col("unit_price")).cast(TOTAL)
    return rows.withColumn("total_amount", F.coalesce("total_amount", computed))


def by_month(rows: DataFrame) -> DataFrame:
    """Reports ask for months: a folder each spares Athena and Spectrum the others."""
    return rows.withColumn("order_month", F.date_format("order_date", "yyyy-MM"))


def rules() -> Dict[str, Column]:
    """What every row must be. Columns exist only once there is a SparkContext, so this is a function."""
    return {
        "quantity is not positive": F.col("quantity") > 0,
        "unit_price is negative": F.col("unit_price") >= 0,
        "order_date is in the future": F.col("order_date") <= F.date_add(F.current_date(), 1),
        "order_date is before the shop opened": F.col("order_date") >= F.lit("2000-01-01").cast("date"),
        # A discount makes the total smaller; nothing makes it larger.
        "total_amount is more than quantity x unit_price": F.col("total_amount")
        <= F.col("quantity") * F.col("unit_price") + F.lit(0.01),
    }


lake.run(
    lake.Dataset(
        name="orders",
        schema=SCHEMA,
        key=["order_id", "product_id"],
        # Orders have no time of change: of rows in the same delivery, the later day counts.
        newest_by="order_date",
        partitions=["order_month"],
        tidy=tidy,
        derive=by_month,
        rules=rules,
    )
)
