"""nbgrader's settings: run `nbgrader ...` in this folder and it reads this file.

nbgrader starts `alembic` by name when it makes a gradebook, and kernels by the environment's
Python; putting that environment first on PATH here saves activating it.
"""

import os
import sys
from pathlib import Path

from nexa_grade.settings import harden

os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

c = get_config()  # noqa: F821 (who reads this file defines it)

# Paths
c.CourseDirectory.course_id = "nexacode"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", ".DS_Store"]

# What a student sees in place of a solution
c.ClearSolutions.code_stub = {
    "python": "# YOUR CODE HERE\n"
    "raise NotImplementedError('This part is yours: replace this line with your code.')"
}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE"
c.GenerateAssignment.force = True  # the release is made from source, again and again

# Collecting, grading, feedback: submissions are repaired and bounded, and feedback pages
# hide what students must not see (docs/security.md)
harden(c)
c.LmsCollectorPlugin.roster = ""  # a CSV file: the platform's number of a student, the id to use
c.SandboxedExecute.sandbox = False  # True needs bubblewrap (docs/sandbox.md)
c.BubblewrapProvisioner.hidden_packages = ["nexa_helpers"]  # the course's code has the answers
c.WatchForForgery.course_names = ["nexa_helpers"]  # without a sandbox, who names it is held
c.WatchForForgery.accepted = []  # students whose held submission a person has looked at

c.GradeByErrors.partial_credit = False  # no test of this course gives part of its points

# Grading: seconds for one cell (the grade profile stays far below), and no times in the output
c.Execute.timeout = 120
c.Execute.record_timing = False

# What kernels have at hand: modules that take long to import. None of the course's own is here.
c.NexaGrade.preload = [
    "torch",
    "torch._dynamo",
    "torch.onnx",
    "transformers.models.auto.tokenization_auto",
    "datasets",
    "peft",
    "matplotlib.pyplot",
    "safetensors.torch",
    "scipy.stats",
    "sklearn.metrics",
    "tqdm.auto",
]

# After grading: do the functions behave as their points say? (docs/security.md)
answers = Path(c.CourseDirectory.root, "answers")
tables = [*answers.glob("*/probes.py"), *answers.glob("*/probes")]  # a file, or a folder of modules
c.NexaGrade.probes = {path.parent.name: str(path) for path in tables}

# Questions of the export and the report: cells of one TODO
c.ClassExportPlugin.question = r"todo(\d+)-"
c.ClassExportPlugin.question_name = "TODO {}"
