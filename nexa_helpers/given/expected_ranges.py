"""Where your own number falls: the ranges that the notebook's numbers were seen in.

Numbers of a training run depend on the seed, the number of threads and the libraries. So the text
speaks in ranges, which come from whole runs of the notebook, one per seed.
"""

# Lowest and highest value to expect, `full` profile; `make sync` writes this table.
EXPECTED: dict[str, tuple[float, float]] = {
    "keywords": (0.62, 0.72),
    "PRM": (0.73, 1.0),
    "logged turns, GRPO-TCR": (0.37, 0.57),
    "logged turns, prompt injection": (0.44, 0.59),
    "Ada, reference": (0.07, 0.15),
    "Ada, prompt injection": (0.76, 0.99),
    "Ada, personal policy": (0.91, 1.0),
    "Boris, reference": (0.05, 0.18),
    "Boris, prompt injection": (0.77, 0.98),
    "Boris, personal policy": (0.97, 1.0),
    "Chen, reference": (0.09, 0.13),
    "Chen, prompt injection": (0.75, 0.97),
    "Chen, personal policy": (0.97, 1.0),
    "session 1, reference": (0.86, 0.92),
    "session 5, reference": (0.79, 0.98),
    "session 1, prompt injection": (0.86, 0.92),
    "session 5, prompt injection": (0.31, 0.55),
    "session 1, personal policy": (0.0, 0.04),
    "session 5, personal policy": (0.0, 0.08),
    "Ada, prompt injection, complaints at temperature 1": (0.09, 0.29),
    "Ada, personal policy, complaints at temperature 1": (0.0, 0.23),
    "Boris, prompt injection, complaints at temperature 1": (0.09, 0.29),
    "Boris, personal policy, complaints at temperature 1": (0.0, 0.13),
    "Chen, prompt injection, complaints at temperature 1": (0.07, 0.34),
    "Chen, personal policy, complaints at temperature 1": (0.01, 0.14),
}


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
