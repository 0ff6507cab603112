def adapter_size(config, rank, target_modules=LINEAR_LAYERS):
    if rank < 1:
        raise ValueError("rank")
    h, m = config.hidden_size, config.intermediate_size
    q = config.num_attention_heads * config.head_dim
    k = config.num_key_value_heads * config.head_dim
    total = 0
    for name in set(target_modules):
        if name in ("q_proj", "o_proj"):
            total += h + q
        elif name in ("k_proj", "v_proj"):
            total += h + k
        elif name in ("gate_proj", "up_proj", "down_proj"):
            total += h + m
        else:
            raise ValueError(f"unknown: {name}")
    total *= rank * config.num_hidden_layers
    return {"parameters": total, "bytes": total * 2}
