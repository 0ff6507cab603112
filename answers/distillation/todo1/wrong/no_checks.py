def informative_share(success_rate, group_size):
    p = np.asarray(success_rate, dtype=float)
    return 1 - p**group_size - (1 - p) ** group_size
