"""Benchmarks of noisylabel beside its peers.

usage: bench.py [NAME...]

Names are those of the benchmarks below; all of them without.
"""
import sys

import classifier
import dawid_skene
import harness
import label_issues
import many_groups
import metrics
import paired

MODULES = (metrics, dawid_skene, classifier, label_issues, many_groups, paired)

BENCHMARKS = {name: run for module in MODULES for name, run in module.BENCHMARKS.items()}


def main():
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    connection = harness.connect()
    harness.print_machine(connection)
    for name in names:
        BENCHMARKS[name](connection)


main()
