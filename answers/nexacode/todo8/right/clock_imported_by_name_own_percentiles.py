from math import ceil, floor
from time import perf_counter as now


def percentile(values, q):
    values = sorted(values)
    position = (len(values) - 1) * q / 100
    low, high = floor(position), ceil(position)
    return values[low] + (values[high] - values[low]) * (position - low)


class Stopwatch:
    def __init__(self, device):
        self.device, self.laps = device, []

    def wait(self):
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def __enter__(self):
        self.wait()
        self.start = now()

    def __exit__(self, *_):
        self.wait()
        self.laps.append((now() - self.start) * 1000)


def benchmark_inference(model, tokenizer, num_samples=100, seq_lengths=[32, 64, 128, 256, 512]):
    device = next(model.parameters()).device
    was_training, results = model.training, {}
    model.eval()
    with torch.no_grad():
        for length in seq_lengths:
            watch = Stopwatch(device)
            ids = torch.randint(len(tokenizer), (1, length), device=device)
            for _ in range(num_samples + 3):
                with watch:
                    model(ids)
            laps = watch.laps[3:]  # without the warm-up
            results[str(length)] = {f"p{q}": percentile(laps, q) for q in (50, 95, 99)}
    model.train(was_training)
    return results
