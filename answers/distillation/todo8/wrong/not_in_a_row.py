def sessions_until_stable(corrected, window=3):
    if window < 1:
        raise ValueError("window: expected 1 or more")

    quiet = 0
    for number, flag in enumerate(corrected, 1):
        quiet += not flag
        if quiet == window:
            return number - window + 1
    return None
