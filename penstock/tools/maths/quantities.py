"""Numbers with units: pint's registry for what a unit is, sympy for the numbers, both exact.

pint gets single names only, already matched by the grammar; its own expression parser is never called.
Factors are fractions (`non_int_type=Fraction`), so that 12.7 cm is exactly 5 inch.
"""

from fractions import Fraction
from functools import cache
from typing import Any, Final

import sympy
from pint import UnitRegistry
from pint.errors import DimensionalityError, OffsetUnitCalculusError, PintError

from penstock.tools.maths.errors import Undefined
from penstock.tools.maths.vocabulary import ONE_LETTER_UNITS

#: pint has no precise type for a quantity of sympy numbers.
Quantity = Any

_LONGEST_NAME: Final = 32
_DEGREES_BESIDE_TO: Final = {"c": "degC", "f": "degF", "celsius": "degC", "fahrenheit": "degF"}
#: English words that pint would read as attosecond, technical atmosphere and the like.
_WORDS: Final = frozenset(
    ["as", "at", "am", "an", "is", "are", "do", "of", "on", "us", "or", "by", "per", "the", "a", "I"]
)
_ALIASES: Final = {"sec": "second", "hrs": "hour", "hr": "hour", "in": "inch", "mins": "minute", "sqft": "square_foot"}
_ALIASES_WRITTEN: Final = {"degree_Celsius": "degC", "degree_Fahrenheit": "degF", "degree": "deg", "radian": "rad"}
_WRITTEN_AS_ASKED: Final = frozenset({"inch", "mile", "hour", "day", "year", "week", "month"})


@cache
def registry() -> Any:
    return UnitRegistry(non_int_type=Fraction, cache_folder=None)


def unit_named(name: str, *, beside_to: bool = False) -> Quantity | None:
    """One of the unit of that name, or None if there is none."""
    if beside_to:
        name = _DEGREES_BESIDE_TO.get(name.lower(), name)
    name = _ALIASES.get(name, name)
    if name in _WORDS or len(name) > _LONGEST_NAME or (len(name) == 1 and name not in ONE_LETTER_UNITS):
        return None
    candidates = registry().parse_unit_name(name)
    if not candidates:
        return None
    prefix, unit, _suffix = candidates[0]
    return _of(sympy.Integer(1), registry().Unit(prefix + unit))


def is_quantity(value: object) -> bool:
    return hasattr(value, "_REGISTRY")


def multiply(left: Any, right: Any) -> Any:
    """A plain number times a unit is that many, also for degC, which pint's own product refuses."""
    if not is_quantity(left):
        return _of(left * right.magnitude, right.units)
    if not is_quantity(right):
        return _of(left.magnitude * right, left.units)
    return plain(_of(left.magnitude * right.magnitude, left.units * right.units))


def divide(left: Any, right: Any) -> Any:
    if not is_quantity(right):
        return _of(left.magnitude / right, left.units)
    if not is_quantity(left):
        return _of(left / right.magnitude, right.units**-1)
    if left.dimensionality == right.dimensionality:
        return left.magnitude / convert(right, left).magnitude
    return plain(_of(left.magnitude / right.magnitude, left.units / right.units))


def power(base: Quantity, exponent: sympy.Expr) -> Any:
    if not isinstance(exponent, sympy.Rational) or abs(exponent) > 20:
        raise Undefined("a quantity with a unit can only be raised to a small rational power")
    fraction = Fraction(int(exponent.p), int(exponent.q))
    return plain(_of(base.magnitude**exponent, base.units**fraction))


def add(left: Any, right: Any) -> Quantity:
    """The sum, in the unit of the left side, as in mathjs."""
    if not is_quantity(left) or not is_quantity(right):
        raise Undefined("a quantity with a unit cannot be added to or compared with a number without one")
    if not left._is_multiplicative or not right._is_multiplicative:
        raise Undefined("temperatures in degC or degF cannot be added: convert to kelvin first")
    return _of(left.magnitude + convert(right, left).magnitude, left.units)


def convert(value: Any, target: Quantity) -> Quantity:
    if not is_quantity(value):
        raise Undefined("a number without a unit cannot be converted to a unit")
    try:
        return _of(_exact(value.to(target.units).magnitude), target.units)
    except DimensionalityError:
        raise Undefined(f"{units_text(value)} cannot be converted to {units_text(target)}") from None
    except (OffsetUnitCalculusError, PintError) as problem:
        raise Undefined(f"these units cannot be converted: {type(problem).__name__}") from None


def angle(value: Any) -> sympy.Expr:
    """Radians, exactly: pint's own factor for a degree is a decimal approximation of pi/180."""
    if not is_quantity(value):
        return value
    if not value.check("[]"):
        raise Undefined(f"an angle is needed, not {units_text(value)}")
    if value.units == registry().radian:
        return value.magnitude
    return convert(value, unit_named("degree")).magnitude * sympy.pi / 180


def plain(value: Quantity) -> Any:
    """The bare number if all units have cancelled."""
    return value.magnitude if not value.unit_items() else value


def units_text(value: Any) -> str:
    """As mathjs writes them: `km / hour`, `kg m^2 / s^2`."""
    if not is_quantity(value):
        return "a plain number"
    above = [_power_text(name, exponent) for name, exponent in value.unit_items() if exponent > 0]
    below = [_power_text(name, -exponent) for name, exponent in value.unit_items() if exponent < 0]
    divisor = " ".join(below) if len(below) < 2 else f"({' '.join(below)})"
    return " / ".join(part for part in (" ".join(above) or "1", divisor) if part)


def _power_text(name: str, exponent: Fraction) -> str:
    symbol = name if name in _WRITTEN_AS_ASKED else _ALIASES_WRITTEN.get(name) or registry().get_symbol(name)
    return symbol if exponent == 1 else f"{symbol}^{exponent if exponent.denominator == 1 else f'({exponent})'}"


def _of(magnitude: Any, units: Any) -> Quantity:
    return registry().Quantity(magnitude, units)


def _exact(magnitude: Any) -> sympy.Expr:
    if isinstance(magnitude, sympy.Expr):
        return magnitude
    fraction = Fraction(magnitude)
    return sympy.Rational(fraction.numerator, fraction.denominator)
