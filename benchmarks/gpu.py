"""Keep the figures of a run on a GPU: ``python -m benchmarks.gpu executed.ipynb``.

Run it on the machine with the GPU, on a notebook that papermill has executed there.
"""

import sys
from pathlib import Path

import nbformat

from authoring.execute import section_times
from benchmarks.common import Figure, machine, save


def main() -> None:
    """Write benchmarks/results/gpu.json from an executed notebook."""
    if len(sys.argv) != 2:
        raise SystemExit("expected one argument: the executed notebook")
    sections = section_times(nbformat.read(Path(sys.argv[1]), as_version=4))
    figures = [Figure(name, seconds, "s") for name, seconds in sections.items()]
    figures.append(Figure("all sections", sum(sections.values()), "s"))
    save("gpu", f"The solved notebook on a GPU: {machine()['gpu']}", figures)


if __name__ == "__main__":
    main()
