"""The list of services that are extended."""

import importlib

SERVICES = ("glue", "redshift", "s3")


def load():
    """Imports every addition; each registers itself."""
    for name in SERVICES:
        importlib.import_module("emulator." + name)
