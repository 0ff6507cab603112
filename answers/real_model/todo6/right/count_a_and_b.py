def adapter_size(config, rank, target_modules=LINEAR_LAYERS):
    if not rank >= 1:
        raise ValueError(f"rank {rank}")
    sizes = {"h": config.hidden_size, "m": config.intermediate_size}
    sizes["q"] = config.num_attention_heads * config.head_dim
    sizes["k"] = config.num_key_value_heads * config.head_dim
    ends = dict(
        q_proj="hq",
        k_proj="hk",
        v_proj="hk",
        o_proj="qh",
        gate_proj="hm",
        up_proj="hm",
        down_proj="mh",
    )
    parameters = 0
    for name in dict.fromkeys(target_modules):
        if name not in ends:
            raise ValueError(name)
        d_in, d_out = (sizes[letter] for letter in ends[name])
        a, b = torch.empty(rank, d_in, device="meta"), torch.empty(d_out, rank, device="meta")
        parameters += (a.numel() + b.numel()) * config.num_hidden_layers
    return dict(parameters=parameters, bytes=2 * parameters)
