"""Starts a Glue job of a stack as Glue does, up to its GlueContext: start_job.py SCRIPT.

Spark and Glue are stand-ins here, which know the one rule that scripts break: PySpark makes no column
expressions before there is a SparkContext (`SparkContext._active_spark_context` is asserted by each
function of pyspark.sql.functions, Spark 3.5).
"""
import sys
import types
from pathlib import Path


class Started(Exception):
    """The job has its GlueContext."""


class Column:
    """An expression: whatever is done to one is another."""

    def __getattr__(self, name):
        return lambda *arguments: Column()

    def __or__(self, other):
        return Column()

    __ror__ = __and__ = __add__ = __mul__ = __le__ = __lt__ = __ge__ = __gt__ = __or__


class SparkContext:
    active = False

    @classmethod
    def getOrCreate(cls):
        SparkContext.active = True


class GlueContext:
    def __init__(self, context):
        raise Started


def function(name):
    def call(*arguments):
        assert SparkContext.active, f"pyspark.sql.functions.{name} is called before there is a SparkContext"
        return Column()

    return call


def module(name, **members):
    made = types.ModuleType(name)
    made.__dict__.update(members)
    sys.modules[name] = made
    return made


class Anything:
    """A type of Spark: made with any arguments, at any time."""

    def __init__(self, *arguments, **named):
        pass


def stand_in():
    functions = module("pyspark.sql.functions")
    functions.__getattr__ = function
    data_types = module("pyspark.sql.types")
    data_types.__getattr__ = lambda name: type(name, (Anything,), {})
    members = {"functions": functions, "types": data_types, "Column": Column, "DataFrame": Anything, "Window": Anything}
    module("pyspark", sql=module("pyspark.sql", **members))
    module("pyspark.context", SparkContext=SparkContext)
    module("awsglue")
    module("awsglue.context", GlueContext=GlueContext)
    module("awsglue.job", Job=Anything)
    module("awsglue.utils", getResolvedOptions=lambda argv, names: dict.fromkeys(names, "s3://bucket/folder/"))
    module("boto3")


stand_in()
script = Path(sys.argv[1])
sys.path.insert(0, str(script.parent))
sys.dont_write_bytecode = True
names = {"__name__": "__main__", "__file__": str(script)}
try:
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), names)
except Started:
    print("started;", "rules:", len(names["rules"]()))
else:
    sys.exit("the script ended without a GlueContext")
