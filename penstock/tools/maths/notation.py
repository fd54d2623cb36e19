"""Values to text, as mathjs writes them: 14 significant digits, `6 + 8i`, `[[1, 2], [3, 4]]`, `5 inch`."""

from typing import Any, Final

import mpmath
import sympy
from sympy.printing.str import StrPrinter

from penstock.tools.maths.errors import TooLarge
from penstock.tools.maths.limits import MAX_OUTPUT
from penstock.tools.maths.numbers import finite
from penstock.tools.maths.quantities import is_quantity, units_text

SIGNIFICANT_DIGITS: Final = 14
_EXACT_INTEGER_BITS: Final = 3_400


class _Printer(StrPrinter):  # type: ignore[misc]
    """sympy's own text, with mathjs' names for the constants."""

    def _print_ImaginaryUnit(self, expr: Any) -> str:
        return "i"

    def _print_Exp1(self, expr: Any) -> str:
        return "e"

    def _print_Infinity(self, expr: Any) -> str:
        return "Infinity"

    def _print_NegativeInfinity(self, expr: Any) -> str:
        return "-Infinity"


def text_of(value: Any, *, digits: int = SIGNIFICANT_DIGITS) -> str:
    """The text of any value the evaluator returns. Raises Undefined for poles, TooLarge past 4,000 characters."""
    text = _text_of(finite(value), digits)
    if len(text) > MAX_OUTPUT:
        raise TooLarge(f"the result has {len(text):,} characters; at most {MAX_OUTPUT:,} are returned")
    return text


def exact_text(value: sympy.Basic) -> str:
    """The symbolic form: `sqrt(2)/2`, `3*x^2`."""
    return str(_Printer().doprint(value)).replace("**", "^")


def with_decimal(value: Any) -> str:
    """The symbolic form, and its decimal value where that is not the same text."""
    if not isinstance(value, sympy.Expr) or not value.is_number:
        return text_of(value)
    exact, decimal = exact_text(value), text_of(value)
    if value.has(sympy.Float):
        return decimal
    return decimal if exact == decimal or len(exact) > 200 else f"{exact} ≈ {decimal}" if _inexact(value) else decimal


def decimal_text(value: mpmath.mpf, digits: int = SIGNIFICANT_DIGITS) -> str:
    """JavaScript's rule: exponents from 1e21 and below 1e-6; no trailing zeros."""
    if value == 0:
        return "0"
    written = str(mpmath.nstr(value, digits, min_fixed=-7, max_fixed=21, strip_zeros=True))
    mantissa, _, exponent = written.partition("e")
    mantissa = mantissa[:-2] if mantissa.endswith(".0") else mantissa
    return f"{mantissa}e{exponent}" if exponent else mantissa


def _text_of(value: Any, digits: int) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, sympy.MatrixBase):
        rows = [[_text_of(finite(entry), digits) for entry in value.row(index)] for index in range(value.rows)]
        lines = [", ".join(row) for row in rows]
        return f"[{lines[0]}]" if len(lines) == 1 else "[" + ", ".join(f"[{line}]" for line in lines) + "]"
    if is_quantity(value):
        number = _text_of(finite(value.magnitude), digits)
        return f"{f'({number})' if ' ' in number else number} {units_text(value)}"
    if isinstance(value, sympy.Expr) and value.is_number and not value.has(sympy.oo, -sympy.oo):
        return _number_text(value, digits)
    return exact_text(value)


def _number_text(value: sympy.Expr, digits: int) -> str:
    if isinstance(value, sympy.Integer) and int(value).bit_length() <= _EXACT_INTEGER_BITS:
        return str(int(value))
    with mpmath.workdps(digits + 6):
        real, imaginary = _parts(value, digits)
        if imaginary == 0:
            return decimal_text(real, digits)
        size = decimal_text(abs(imaginary), digits)
        size = "" if size == "1" else size
        if real == 0:
            return f"{'-' if imaginary < 0 else ''}{size}i"
        return f"{decimal_text(real, digits)} {'-' if imaginary < 0 else '+'} {size}i"


def _parts(value: sympy.Expr, digits: int) -> tuple[mpmath.mpf, mpmath.mpf]:
    if isinstance(value, sympy.Rational):
        return mpmath.mpf(int(value.p)) / mpmath.mpf(int(value.q)), mpmath.mpf(0)
    real, imaginary = value.evalf(digits + 6).as_real_imag()
    return _without_noise(real), _without_noise(imaginary)


def _without_noise(number: sympy.Expr) -> mpmath.mpf:
    """evalf marks a sum that cancels out by one bit of precision: that is a zero."""
    if isinstance(number, sympy.Float):
        return mpmath.mpf(0) if number._prec == 1 else mpmath.mpf(number._mpf_)
    if isinstance(number, sympy.Rational):
        return mpmath.mpf(int(number.p)) / mpmath.mpf(int(number.q))
    raise TooLarge(f"{exact_text(number)[:100]} has no numeric value")


def _inexact(value: sympy.Expr) -> bool:
    return not (isinstance(value, sympy.Rational) and sympy.Integer(10 ** (SIGNIFICANT_DIGITS - 1)) % value.q == 0)
