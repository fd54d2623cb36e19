"""Every name that means something: the functions by kind, the constants, the one-letter units.

Small tables decide what text can reach; what is in none of them is an error.
"""

from typing import Final

#: Evaluated on values. `functions.py`, `matrices.py` and `statistics.py` say how.
VALUE_FUNCTIONS: Final = frozenset({
    "sqrt", "cbrt", "nthRoot", "abs", "sign", "exp", "expm1", "log", "ln", "log10", "log2", "log1p",
    "square", "cube", "pow", "hypot", "add", "subtract", "multiply", "divide", "mod", "gcd", "lcm",
    "sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "atan2",
    "sinh", "cosh", "tanh", "asinh", "acosh", "atanh", "floor", "ceil", "fix", "round",
    "factorial", "gamma", "combinations", "permutations", "isPrime", "re", "im", "conj", "arg",
    "min", "max", "mean", "median", "mode", "std", "variance", "sum", "prod",
    "det", "inv", "transpose", "trace", "dot", "cross", "norm", "identity", "zeros", "ones", "diag", "rank", "eigs",
})  # fmt: skip
#: Evaluated on expressions in which letters are unknowns. `symbolic.py` says how.
SYMBOLIC_FUNCTIONS: Final = frozenset(
    {"derivative", "integrate", "limit", "simplify", "expand", "factor", "rationalize", "solve"}
)
FUNCTION_NAMES: Final = VALUE_FUNCTIONS | SYMBOLIC_FUNCTIONS

CONSTANT_NAMES: Final = frozenset({
    "pi", "PI", "e", "E", "i", "tau", "phi", "Infinity", "infinity", "inf", "NaN", "true", "false",
    "LN2", "LN10", "LOG2E", "LOG10E", "SQRT2",
})  # fmt: skip
#: mathjs knows more; those left out (b, C, F, H, S, T) are more often somebody's unknown.
ONE_LETTER_UNITS: Final = frozenset("mgshlLNJWKAVB")
