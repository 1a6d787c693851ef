"""How files of extracted facts are laid out: their origin first, then a block for each name."""
import json
import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def data(*names):
    """The path of a file in tests/data."""
    return os.path.join(ROOT, "tests", "data", *names)


def write(path, origin, key, blocks):
    """Writes the blocks, each the text of a member, below `key`."""
    with open(path, "w") as file:
        file.write(f'{{\n"origin": {json.dumps(origin)},\n"{key}": {{\n' + ",\n".join(blocks) + "\n}\n}\n")
