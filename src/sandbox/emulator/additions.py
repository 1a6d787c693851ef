"""The list of services that are extended."""

import importlib

SERVICES = (
    "cloudwatch", "ec2", "events", "glue", "iam", "kms", "logs", "redshift", "s3", "secretsmanager", "sns",
    "stepfunctions",
)


def load(service):
    """Imports the additions of a service, once; each registers itself."""
    if service in SERVICES:
        importlib.import_module("emulator." + service)
