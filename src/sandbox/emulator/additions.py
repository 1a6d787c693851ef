"""The list of services that are extended."""

import importlib

SERVICES = (
    "cloudwatch", "ec2", "events", "glue", "iam", "kms", "logs", "redshift", "s3", "secretsmanager", "sns",
    "stepfunctions",
)


def load():
    """Imports every addition; each registers itself."""
    for name in SERVICES:
        importlib.import_module("emulator." + name)
