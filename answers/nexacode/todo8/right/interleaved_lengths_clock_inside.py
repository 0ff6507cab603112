def benchmark_inference(
    model: nn.Module,
    tokenizer: Any,
    num_samples: int = 100,
    seq_lengths: list[int] | None = None,
) -> dict[str, dict[str, float]]:
    from time import monotonic_ns

    if num_samples < 1:
        raise ValueError("num_samples must be positive")
    seq_lengths = seq_lengths or [32, 64, 128, 256, 512]
    device = next(model.parameters()).device
    is_cuda = str(device).startswith("cuda")
    state = model.training
    model.eval()
    taken = {length: [] for length in seq_lengths}
    with torch.inference_mode():
        for step in range(-2, num_samples):  # steps below 0 warm up
            for length in seq_lengths:
                ids = torch.randint(0, len(tokenizer) - 1, (1, length), device=device)
                if is_cuda:
                    torch.cuda.synchronize()
                begin = monotonic_ns()
                _ = model(ids)
                if is_cuda:
                    torch.cuda.synchronize()
                end = monotonic_ns()
                if step >= 0:
                    taken[length].append((end - begin) / 1e6)
    model.train() if state else model.eval()
    print("done")
    return {
        str(length): {
            "p50": np.median(ms), "p95": np.percentile(ms, 95), "p99": np.percentile(ms, 99),
        }
        for length, ms in taken.items()
    }  # fmt: skip
