"""The list of services that are extended."""

import importlib

MODULES = {
    "cloudtrail": ("cloudtrail",),
    "cloudwatch": ("cloudwatch",),
    "ec2": ("ec2",),
    "events": ("events",),
    "glue": ("glue",),
    "iam": ("iam",),
    "kms": ("kms",),
    "logs": ("logs",),
    "redshift": ("redshift", "redshift_groups"),
    "resourcegroupstaggingapi": ("resourcegroupstagging",),
    "s3": ("s3",),
    "secretsmanager": ("secretsmanager",),
    "sns": ("sns",),
    "sqs": ("sqs",),
    "stepfunctions": ("stepfunctions",),
}


def load(service):
    """Imports the additions of a service, once; each registers itself."""
    for module in MODULES.get(service, ()):
        importlib.import_module("emulator." + module)
