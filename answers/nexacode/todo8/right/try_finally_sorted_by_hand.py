def _percentile(values, percent):
    ranked = sorted(values)
    place = (len(ranked) - 1) * percent / 100
    low = int(place)
    high = min(low + 1, len(ranked) - 1)
    return ranked[low] + (ranked[high] - ranked[low]) * (place - low)


def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512]):
    if num_samples < 1:
        raise ValueError("num_samples")
    training = model.training
    device = next(model.parameters()).device
    sync = (lambda: torch.cuda.synchronize(device)) if device.type == "cuda" else (lambda: None)
    out = {}
    try:
        model.eval()
        for length in seq_lengths:
            ids = torch.tensor([random.choices(range(len(tokenizer)), k=length)], device=device)
            laps = []
            with torch.no_grad():
                [model(ids) for _ in range(10)]
                while len(laps) < num_samples:
                    sync()
                    a = time.perf_counter()
                    model(ids)
                    sync()
                    laps.append((time.perf_counter() - a) * 1e3)
            out[str(length)] = {f"p{p}": _percentile(laps, p) for p in (50, 95, 99)}
    finally:
        model.train(training)
    return out
