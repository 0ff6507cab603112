def informative_share(success_rate, group_size):
    p = np.asarray(success_rate, dtype=float)
    n = np.asarray(group_size)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("success_rate: expected numbers from 0 to 1")
    if not np.all(n >= 1):
        raise ValueError("group_size: expected 1 or more")
    return 1 - (1 - p) ** n
