"""Loads curated Parquet into the star schema of Amazon Redshift.

The job itself moves no data: it sends SQL to Redshift's Data API, and Redshift's COPY reads S3.
Each dataset is one transaction. MERGE makes it harmless to load a day twice, so the last days are
always loaded again: what a failed night left out, the next one makes up for.
"""

import hashlib
import json
import re
import sys
import time
from datetime import datetime, timedelta, timezone
from typing import Dict, List
from urllib.parse import urlparse

import boto3
from awsglue.utils import getResolvedOptions

ARGUMENTS = [
    "cluster",
    "database",
    "admin_secret",
    "bi_secret",
    "schema_sql",
    "load_sql",
    "processed_bucket",
    "lookback_days",
]
# A COPY of some days takes minutes; what takes longer than this is stuck.
TIMEOUT_SECONDS = 5400

s3 = boto3.client("s3")
secrets = boto3.client("secretsmanager")
redshift = boto3.client("redshift-data")


def main() -> None:
    """Schema, then dimensions, then facts, then the login of BI tools."""
    arguments = getResolvedOptions(sys.argv, ARGUMENTS)
    run(arguments, "schema", statements(read(arguments["schema_sql"])))

    load = sections(read(arguments["load_sql"]))
    for dataset in ("customers", "products", "orders"):
        folders = new_folders(arguments["processed_bucket"], dataset, int(arguments["lookback_days"]))
        if not folders:
            print(f"{dataset}: nothing new")
            continue
        copies = [
            f"COPY stage_{dataset} FROM 's3://{arguments['processed_bucket']}/{folder}' "
            "IAM_ROLE default FORMAT AS PARQUET"
            for folder in folders
        ]
        # A session of its own: the temporary table `stage_…` goes when it ends.
        run(
            arguments,
            dataset,
            [
                # The queue for loads of the parameter group.
                "SET query_group TO 'load'",
                *statements(load[f"{dataset} stage"]),
                *copies,
                *statements(load[f"{dataset} merge"]),
            ],
        )

    grant_access(arguments)


def new_folders(bucket: str, dataset: str, lookback_days: int) -> List[str]:
    """Folders of the last days that are there: COPY fails on one that is not."""
    today = datetime.now(timezone.utc).date()
    folders = []
    for days in range(lookback_days, -1, -1):
        folder = f"curated/{dataset}/ingest_date={today - timedelta(days=days)}/"
        if s3.list_objects_v2(Bucket=bucket, Prefix=folder, MaxKeys=1)["KeyCount"]:
            folders.append(folder)
    return folders


def grant_access(arguments: Dict[str, str]) -> None:
    """The login of BI tools, with the password that Secrets Manager made; it reads, and no more."""
    login = json.loads(secrets.get_secret_value(SecretId=arguments["bi_secret"])["SecretString"])
    user, password = login["username"], login["password"]
    # The Data API keeps the text of statements, so the password goes as Redshift stores it. MD5 is
    # no weakness here: nobody guesses 40 random characters.
    digest = "md5" + hashlib.md5((password + user).encode()).hexdigest()
    user_is_there = query(arguments, f"SELECT 1 FROM pg_user WHERE usename = '{user}'")
    group_is_there = query(arguments, "SELECT 1 FROM pg_group WHERE groname = 'bi_readers'")
    run(
        arguments,
        "access",
        [
            f"{'ALTER' if user_is_there else 'CREATE'} USER {user} PASSWORD '{digest}'",
            *([] if group_is_there else ["CREATE GROUP bi_readers"]),
            # Adding a member again changes nothing.
            f"ALTER GROUP bi_readers ADD USER {user}",
            "GRANT USAGE ON SCHEMA warehouse TO GROUP bi_readers",
            "GRANT SELECT ON ALL TABLES IN SCHEMA warehouse TO GROUP bi_readers",
        ],
    )


def run(arguments: Dict[str, str], name: str, sql: List[str]) -> str:
    """Runs statements as one transaction and waits for its end. Returns its id."""
    started = time.monotonic()
    batch = redshift.batch_execute_statement(
        ClusterIdentifier=arguments["cluster"],
        Database=arguments["database"],
        SecretArn=arguments["admin_secret"],
        Sqls=sql,
        StatementName=f"load-warehouse-{name}",
    )["Id"]
    wait = 1.0
    while True:
        status = redshift.describe_statement(Id=batch)
        if status["Status"] == "FINISHED":
            print(f"{name}: {len(sql)} statements in {time.monotonic() - started:.0f} s")
            return batch
        if status["Status"] in ("FAILED", "ABORTED"):
            raise RuntimeError(f"{name}: {status['Status']}: {status.get('Error', 'no reason given')}")
        if time.monotonic() - started > TIMEOUT_SECONDS:
            redshift.cancel_statement(Id=batch)
            raise TimeoutError(f"{name}: still {status['Status']} after {TIMEOUT_SECONDS} s, cancelled")
        time.sleep(wait)
        wait = min(wait * 1.5, 15)


def query(arguments: Dict[str, str], sql: str) -> bool:
    """Whether a query finds anything."""
    batch = run(arguments, "query", [sql])
    return redshift.describe_statement(Id=batch)["SubStatements"][0]["ResultRows"] > 0


def read(uri: str) -> str:
    """The text of an object."""
    place = urlparse(uri)
    return s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read().decode()


def sections(text: str) -> Dict[str, str]:
    """Parts of a file by their titles, `-- @ title`."""
    parts = re.split(r"^-- @ (.+)$", text, flags=re.MULTILINE)[1:]
    return {title.strip(): body for title, body in zip(parts[::2], parts[1::2])}


def statements(text: str) -> List[str]:
    """The statements of a text, without comments. None of ours has a semicolon in a string."""
    bare = re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE)
    return [statement.strip() for statement in bare.split(";") if statement.strip()]


if __name__ == "__main__":
    main()
