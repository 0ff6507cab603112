def benchmark_inference(
    model: nn.Module,
    tokenizer: Any,
    num_samples: int = 100,
    seq_lengths: list[int] = [32, 64, 128, 256, 512],
) -> dict[str, dict[str, float]]:
    device: torch.device = next(model.parameters()).device
    needs_wait: bool = device.type == "cuda"
    was: bool = model.training

    def one_pass(ids: torch.Tensor) -> float:
        if needs_wait:
            torch.cuda.synchronize()
        begin: float = time.perf_counter()
        model(ids)
        if needs_wait:
            torch.cuda.synchronize()
        return (time.perf_counter() - begin) * 1_000

    report: dict[str, dict[str, float]] = {}
    model.eval()
    with torch.no_grad():
        for length in seq_lengths:
            ids: torch.Tensor = torch.randint(0, len(tokenizer), size=(1, length), device=device)
            laps: deque[float] = deque(maxlen=num_samples)  # warm-up passes fall out
            for _ in range(num_samples + 3):
                laps.append(one_pass(ids))
            p50, p95, p99 = (np.percentile(list(laps), p).item() for p in (50, 95, 99))
            report[str(length)] = {"p50": p50, "p95": p95, "p99": p99}
    model.train(was)
    return report
