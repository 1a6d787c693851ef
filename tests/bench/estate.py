#!/usr/bin/env python3
"""Writes a stack of about N resources, to measure how cost grows with size.

    tests/bench/estate.py N FOLDER [--shape mixed|each|single]

A pipeline is ten resources that refer to each other: a bucket, an object, a role, a database, a
job, a crawler, a log group, an alarm, a rule and a topic. In shape `each`, one declaration with
`for_each` makes those of all pipelines (`s3_bucket.data[each.key].arn`); in shape `single`, each
pipeline is written out; `mixed` has half of either. Four resources are shared by all.
`tests/it/estate.rs` writes the same.
"""
import argparse
import pathlib

HERE = pathlib.Path(__file__).resolve().parent / "estate"
SHARED, OF_EACH = 4, 10


def key(number):
    return f"p{number:05}"


def together():
    """One declaration of each kind, with an instance for every pipeline."""
    return pipeline("", "[each.key]", "${each.key}", 'for_each = "${local.pipelines}"\n',
                    '"${each.value.workers}"', '"${each.value.retention}"')


def alone(number):
    """One pipeline, written out."""
    name = f"_{key(number)}"
    return pipeline(name, name, key(number), "", str(2 + number % 7), str(1 + number % 30))


def pipeline(name, own, each_key, for_each, workers, retention):
    text = (HERE / "pipeline.toml.in").read_text()
    for word, value in [("NAME", name), ("SELF", own), ("KEY", each_key), ("EACH", for_each),
                        ("WORKERS", workers), ("RETENTION", retention)]:
        text = text.replace(word, value)
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("count", type=int)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shape", choices=["mixed", "each", "single"], default="mixed")
    given = parser.parse_args()
    count = max(1, round((given.count - SHARED) / OF_EACH))
    of_each = {"each": count, "single": 0, "mixed": (count + 1) // 2}[given.shape]
    rows = [f"  {key(one)} = {{ workers = {2 + one % 7}, retention = {1 + one % 30} }},\n" for one in range(of_each)]
    given.folder.mkdir(parents=True, exist_ok=True)
    stack = (HERE / "stack.toml.in").read_text().replace("  PIPELINES\n", "".join(rows))
    given.folder.joinpath("stack.toml").write_text(stack)
    if of_each:
        given.folder.joinpath("pipelines.toml").write_text(together())
    # A file for every fifty, as people would have it.
    for first in range(of_each, count, 50):
        text = "".join(map(alone, range(first, min(first + 50, count))))
        given.folder.joinpath(f"pipelines_{first:05}.toml").write_text(text)
    print(f"{SHARED + OF_EACH * count} resources in {given.folder}")


if __name__ == "__main__":
    main()
