"""What can be wrong with an expression, said so that a model can mend it.

MathsError
├── SyntaxProblem     the text cannot be read
├── UnknownName       a name that is neither function, constant, unit nor assigned
├── TooLarge          reading or computing it would go beyond a limit
└── Undefined         it can be read, but has no value (division by zero, wrong units, wrong arguments)
"""


class MathsError(Exception):
    """The expression is at fault, not the tool."""


class SyntaxProblem(MathsError):
    pass


class UnknownName(MathsError):
    pass


class TooLarge(MathsError):
    pass


class Undefined(MathsError):
    pass
