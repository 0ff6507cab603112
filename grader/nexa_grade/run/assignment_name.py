"""Which assignment does a command line mean?"""

from nbgrader.apps.baseapp import NbGrader

from nexa_grade.errors import Refusal


def assignment_of(app: NbGrader) -> str:
    """Read the assignment's name from the command line or the configuration, and keep it.

    Raises:
        Refusal: There is none, or more than one.
    """
    names = [*app.extra_args, *filter(None, [app.coursedir.assignment_id])]
    if len(names) != 1:
        usage = app.name.replace("-report", " report")
        raise Refusal(f"expected the name of one assignment: {usage} ASSIGNMENT")
    app.coursedir.assignment_id = str(names[0])
    return str(names[0])
