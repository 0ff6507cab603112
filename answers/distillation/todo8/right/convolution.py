def sessions_until_stable(corrected, window=3):
    if window < 1:
        raise ValueError("window: expected 1 or more")

    quiet = 1 - np.asarray(corrected, dtype=int)
    if len(quiet) < window:
        return None
    sums = np.convolve(quiet, np.ones(window, dtype=int), mode="valid")
    found = np.flatnonzero(sums == window)
    return int(found[0]) + 1 if len(found) else None
