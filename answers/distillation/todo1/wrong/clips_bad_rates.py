def informative_share(success_rate, group_size):
    p = np.clip(success_rate, 0, 1)
    return 1 - p**group_size - (1 - p) ** group_size
