def adapter_size(config, rank, target_modules=LINEAR_LAYERS):
    names = sorted(set(target_modules))
    h, d = config.hidden_size, config.head_dim
    q, k = config.num_attention_heads * d, config.num_key_value_heads * d
    sums = dict(zip(LINEAR_LAYERS, np.array([q, k, k, q] + [config.intermediate_size] * 3) + h))
    if rank < 1 or any(name not in sums for name in names):
        raise ValueError(f"rank {rank}, {names}")
    count = int(sum(sums[name] for name in names)) * rank * config.num_hidden_layers
    return {"parameters": count, "bytes": count * 2, "megabytes": count * 2 / 1e6}
