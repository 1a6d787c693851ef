"""botocore's models by the names of the SDK's crates. Needs botocore's data files: run it with the Python of the
emulator.
"""
import functools
import glob
import gzip
import os
import re

import botocore
from botocore.loaders import Loader
from botocore.model import ServiceModel


@functools.cache
def crates():
    """The name of each model, by that of the SDK's crate: `sfn` is `stepfunctions`. It is the service's id."""
    found = {}
    for path in sorted(glob.glob(os.path.join(os.path.dirname(botocore.__file__), "data", "*", "*", "service-2.json*"))):
        with gzip.open(path, "rt") if path.endswith(".gz") else open(path) as file:
            head = re.search(r'"serviceId"\s*:\s*"([^"]+)"', file.read(8192))
        if head:
            found[re.sub(r"\W", "", head[1]).lower()] = path.split(os.sep)[-3]
    return found


def of(crate):
    """The model of a crate."""
    name = crates()[crate]
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)
