#!/usr/bin/env python3
"""Checks the vector files beside it with the standard library alone; nothing here comes from reprefix.

Says what it checked and exits with 0, or prints each difference and exits with 1.
"""

import sys

from check_log import check_log, check_receipts
from check_notes import check_notes, check_proofs
from check_reads import check_reads
from check_trees import check_trees
from check_wire import check_enrolments, check_keys, check_reports, check_rotations
from strict import checked, faults

for check in (
    check_keys,
    check_reports,
    check_enrolments,
    check_rotations,
    check_trees,
    check_notes,
    check_proofs,
    check_receipts,
    check_log,
    check_reads,
):
    check()
for fault in faults:
    print(fault)
print(", ".join(f"{count} {part}" for part, count in checked.items()))
sys.exit(1 if faults else 0)
