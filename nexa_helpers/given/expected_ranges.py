"""Where your own number falls: the ranges that the notebook's numbers were seen in.

Numbers of a training run depend on the seed, the number of threads and the libraries. So the text
speaks in ranges, which come from whole runs of the notebook, one per seed.
"""

# Lowest and highest value to expect, `full` profile; `make sync` writes this table.
EXPECTED: dict[str, tuple[float, float]] = {}


def compare_with_expected(name: str, value: float, profile: str = "full") -> str:
    """Print where a number of yours falls: inside the range that was measured, or outside.

    Args:
        name: A row of ``EXPECTED``.
        value: Your number.
        profile: The profile that it comes from; the ranges are those of ``"full"``.

    Returns:
        ``"inside"``, ``"outside"``, ``"other profile"``, or ``"no range"`` for an unknown name.
    """
    shown = f"{value:.0f}" if isinstance(value, int) else f"{value:.3f}"
    if name not in EXPECTED:
        print(f"{name}: {shown}, no range was measured")
        return "no range"
    low, high = EXPECTED[name]
    span = f"{low:g} to {high:g}" if isinstance(low, int) else f"{low:.2f} to {high:.2f}"
    if profile != "full":
        print(f"{name}: {shown} (the range {span} is that of the full profile)")
        return "other profile"
    verdict = "inside" if low <= value <= high else "outside"
    why = {
        "inside": "",
        "outside": ": seed, threads and versions can explain one such number in twenty;"
        " more of them point to a changed setting or answer",
    }
    print(f"{name}: {shown}, {verdict} {span}{why[verdict]}")
    return verdict
