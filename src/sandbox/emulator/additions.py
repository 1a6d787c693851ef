"""Finds the modules that extend a service: those with `@extends("<service>"`."""

import functools
import importlib
import os
import re


@functools.cache
def modules():
    """By service, the modules that extend it."""
    folder = os.path.dirname(os.path.abspath(__file__))
    found = {}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                extended = re.findall(r'^@extends\(\s*"([\w-]+)"', file.read(), re.M)
            for service in set(extended):
                found.setdefault(service, []).append(name.removesuffix(".py"))
    return found


def load(service):
    """Imports the additions of a service, once; each registers itself."""
    for module in modules().get(service, ()):
        importlib.import_module("emulator." + module)
