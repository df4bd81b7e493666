"""What a code is called: its name by the scheme's tables of diagnoses and operations, for messages to coders."""

from rules.dip.directory import Directory


class Names:
    """The named codes of a scheme; a code that the tables do not list itself has no name (families lend none)."""

    __slots__ = ("diagnoses", "operations")

    def __init__(self, directory: Directory) -> None:
        scheme = directory.scheme
        self.diagnoses = {entry.code: entry.name for entry in scheme.diagnoses if entry.name}
        self.operations = {entry.code: entry.name for entry in scheme.operations if entry.name}


def diagnosis_name(code: str, directory: Directory) -> str:
    """Return the name of a diagnosis in normal form, or ``""``."""
    return directory.keep(Names).diagnoses.get(code, "")


def operation_name(code: str, directory: Directory) -> str:
    """Return the name of an operation in normal form, or ``""``."""
    return directory.keep(Names).operations.get(code, "")


def quoted(code: str, name: str) -> str:
    """Return a code with its name, as messages quote it."""
    return f"【{code} {name}】" if name and name != code else f"【{code}】"


def diagnosis(code: str, directory: Directory) -> str:
    """Return a diagnosis in normal form for a message."""
    return quoted(code, diagnosis_name(code, directory))


def operation(code: str, directory: Directory) -> str:
    """Return an operation in normal form for a message."""
    return quoted(code, operation_name(code, directory))
