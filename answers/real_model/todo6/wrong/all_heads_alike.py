def adapter_size(
    config: Any, rank: int, target_modules: tuple[str, ...] = LINEAR_LAYERS
) -> dict[str, int]:
    hidden, inner = config.hidden_size, config.intermediate_size
    queries = config.num_attention_heads * config.head_dim
    keys = queries
    shapes = {
        "q_proj": (hidden, queries), "k_proj": (hidden, keys), "v_proj": (hidden, keys),
        "o_proj": (queries, hidden), "gate_proj": (hidden, inner), "up_proj": (hidden, inner),
        "down_proj": (inner, hidden),
    }  # fmt: skip
    if rank < 1:
        raise ValueError(f"rank: expected 1 or more, got {rank}")
    if unknown := set(target_modules) - set(shapes):
        raise ValueError(f"target_modules: expected names of {list(shapes)}, got {sorted(unknown)}")
    in_one_layer = sum(rank * sum(shapes[name]) for name in set(target_modules))
    parameters = config.num_hidden_layers * in_one_layer
    return {"parameters": parameters, "bytes": 2 * parameters}
