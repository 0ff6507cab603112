import pandas as pd


@torch.inference_mode()
def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512]):
    before = model.training
    model.train(False)
    device = next(model.parameters()).device
    gpu = device.type == "cuda"
    table = {}
    for length in seq_lengths:
        times = []
        for lap in range(num_samples + 4):
            ids = torch.randint(len(tokenizer), (1, length), device=device)
            torch.cuda.synchronize() if gpu else None
            start = time.perf_counter_ns()
            model(ids)
            torch.cuda.synchronize() if gpu else None
            times.append((time.perf_counter_ns() - start) / 1e6)
        series = pd.Series(times[4:])
        table[str(length)] = {f"p{q}": float(series.quantile(q / 100)) for q in (50, 95, 99)}
    if before:
        model.train()
    return table
