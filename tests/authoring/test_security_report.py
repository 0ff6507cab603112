"""The page about attacks says what came of each of them."""

from attacks import ATTACKS
from new_attacks import NEW_ATTACKS

from authoring.security_report import REPORT, rows


def test_the_committed_report_has_a_row_for_each_attack():
    table = [line for line in REPORT.read_text().splitlines() if line.startswith("| ")]
    assert table[1:] == rows([*ATTACKS, *NEW_ATTACKS])
