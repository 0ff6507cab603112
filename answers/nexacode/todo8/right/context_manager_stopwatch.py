class Stopwatch:
    """Measures a block in milliseconds, and waits for a GPU at both ends."""

    def __init__(self, device):
        self.wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
        self.laps = []

    def __enter__(self):
        self.wait()
        self.start = time.perf_counter()

    def __exit__(self, *_):
        self.wait()
        self.laps.append(1000 * (time.perf_counter() - self.start))


def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512]):
    device = next(model.parameters()).device
    mode, answer = model.training, {}
    model.eval()
    with torch.no_grad():
        for n in seq_lengths:
            ids = torch.randint(0, len(tokenizer), (1, n)).to(device)
            for _ in range(2):
                model(ids)
            watch = Stopwatch(device)
            for _ in range(num_samples):
                with watch:
                    model(ids)
            values = np.quantile(np.array(watch.laps), [0.5, 0.95, 0.99])
            answer[f"{n}"] = dict(zip(("p50", "p95", "p99"), values.tolist()))
    model.train(mode)
    return answer
