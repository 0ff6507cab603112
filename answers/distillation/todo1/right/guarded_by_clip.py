def informative_share(success_rate, group_size):
    p = np.array(success_rate, dtype=float)
    if np.isnan(p).any() or (p != np.clip(p, 0, 1)).any() or np.any(np.asarray(group_size) < 1):
        raise ValueError("expected rates from 0 to 1 and groups of 1 or more")
    q = 1.0 - p
    return 1.0 - (p**group_size + q**group_size)
