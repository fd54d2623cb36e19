"""Equations to solutions: exact where sympy has a closed form, else numeric and marked so.

Polynomials are factored over the rationals; factors of degree 1 and 2 (and those with simple radicals) give exact
roots, the others numeric ones from `Poly.nroots`. sympy's CRootOf and nsolve are avoided: both generate code.
"""

from dataclasses import dataclass
from typing import Final

import sympy

from penstock.tools.maths.arithmetic import Equation
from penstock.tools.maths.errors import TooLarge, Undefined
from penstock.tools.maths.notation import exact_text, text_of
from penstock.tools.maths.roots import scanned_roots

MAX_EQUATIONS: Final = 8
_MAX_DEGREE: Final = 40
_MAX_OPERATIONS: Final = 400

Solution = dict[sympy.Symbol, sympy.Expr]


@dataclass(frozen=True)
class Solutions:
    """What solves a system.

    `complete`: no other real numbers do (nor, for polynomials, complex ones). `always`: any value does.
    An unknown that a solution does not mention is free.
    """

    unknowns: tuple[sympy.Symbol, ...]
    found: tuple[Solution, ...]
    complete: bool
    always: bool = False

    @property
    def real(self) -> "Solutions":
        kept = tuple(each for each in self.found if all(_is_real(value) for value in each.values()))
        return Solutions(self.unknowns, kept, self.complete, self.always)


def solve(system: list[Equation], wanted: list[sympy.Symbol] | None = None) -> Solutions:
    """Solves for `wanted`, or for every unknown. Raises Undefined if sympy finds no way."""
    if not system:
        raise Undefined("an equation is needed, such as 2x + 3 = 11")
    if len(system) > MAX_EQUATIONS or sum(each.difference.count_ops() for each in system) > _MAX_OPERATIONS:
        raise TooLarge(f"at most {MAX_EQUATIONS} equations with {_MAX_OPERATIONS} operations are solved")
    unknowns = tuple(wanted or sorted(set().union(*(each.unknowns for each in system)), key=str))
    differences = [sympy.nsimplify(each.difference, rational=True) for each in system]
    if all(difference == 0 or difference.equals(0) for difference in differences):
        return Solutions(unknowns, (), complete=True, always=True)
    if any(difference.is_number and not difference.equals(0) for difference in differences):
        return Solutions(unknowns, (), complete=True)
    if len(system) == 1 and len(unknowns) == 1:
        return _solve_one(differences[0], unknowns[0])
    return _solve_many(differences, unknowns)


def solutions_text(solutions: Solutions, system: list[Equation]) -> str:
    """`x = 2 or x = 3`, `x = 6, y = 4`, `no solution`."""
    names = ", ".join(map(str, solutions.unknowns))
    if solutions.always:
        return f"true for every {names}" if names else "true"
    if not solutions.found:
        return ("no solution" if names else "false") if solutions.complete else "no solution was found"
    if any(value.free_symbols & {*solutions.unknowns} for each in solutions.found for value in each.values()):
        free = {str(symbol) for each in solutions.found for symbol in solutions.unknowns if symbol not in each}
        note = f" ({', '.join(sorted(free))} can be anything)"
    else:
        note = ""
    if not solutions.complete:
        note += " (there may be more solutions)"
    return " or ".join(_solution_text(each) for each in solutions.found) + note


def _solution_text(solution: Solution) -> str:
    return ", ".join(f"{symbol} = {_value_text(solution[symbol])}" for symbol in sorted(solution, key=str))


def _value_text(value: sympy.Expr) -> str:
    """Exact, and its decimal value if that is another text."""
    exact = exact_text(value)
    if not value.is_number or isinstance(value, sympy.Integer):
        return exact
    decimal = text_of(value)
    return decimal if value.has(sympy.Float) or len(exact) > 120 or exact == decimal else f"{exact} ≈ {decimal}"


def _solve_one(difference: sympy.Expr, unknown: sympy.Symbol) -> Solutions:
    numerator, _ = sympy.fraction(sympy.together(difference))
    if numerator.is_polynomial(unknown) and not numerator.has(sympy.Float):
        roots = _polynomial_roots(sympy.Poly(numerator, unknown))
        roots = [root for root in roots if not _is_pole(difference, unknown, root)]
        return Solutions((unknown,), tuple({unknown: root} for root in _in_order(roots)), complete=True)
    real = sympy.Symbol(str(unknown), real=True)
    every = _every_real_root(difference.subs(unknown, real), real)
    if every is not None:
        roots = [root.subs(real, unknown) for root in every]
        return Solutions((unknown,), tuple({unknown: root} for root in _in_order(roots)), complete=True)
    try:
        found = sympy.solve(difference.subs(unknown, real), real, check=True)
    except NotImplementedError:
        found = []
    roots = [root.subs(real, unknown) for root in found if isinstance(root, sympy.Expr)]
    roots = [root for root in roots if not root.has(sympy.Piecewise, sympy.CRootOf)]
    if not roots and difference.free_symbols == {unknown}:
        roots = list(scanned_roots(difference, unknown))
    return Solutions((unknown,), tuple({unknown: root} for root in _in_order(roots)), complete=False)


def _every_real_root(difference: sympy.Expr, unknown: sympy.Symbol) -> list[sympy.Expr] | None:
    """All real roots, if sympy can prove that there are finitely many and which."""
    if difference.free_symbols != {unknown}:
        return None
    try:
        found = sympy.solveset(difference, unknown, sympy.S.Reals)
    except (NotImplementedError, ValueError, TypeError):
        return None
    if found is sympy.S.EmptySet:
        return []
    return list(found) if isinstance(found, sympy.FiniteSet) and not found.has(sympy.CRootOf) else None


def _polynomial_roots(polynomial: sympy.Poly) -> list[sympy.Expr]:
    if polynomial.degree() > _MAX_DEGREE:
        raise TooLarge(f"polynomials up to degree {_MAX_DEGREE} are solved")
    found: list[sympy.Expr] = []
    for factor, _multiplicity in polynomial.factor_list()[1]:
        exact = list(sympy.roots(factor, cubics=False, quartics=False))
        if len(exact) == factor.degree():
            found += exact
        elif factor.free_symbols - set(factor.gens):
            raise Undefined("no closed form of the solutions was found")
        else:
            found += [root.n(20) for root in factor.nroots(n=30, maxsteps=200)]
    return found


def _solve_many(differences: list[sympy.Expr], unknowns: tuple[sympy.Symbol, ...]) -> Solutions:
    try:
        found = sympy.solve(differences, list(unknowns), dict=True)
    except NotImplementedError:
        raise Undefined("no way to solve this system was found") from None
    kept = tuple(each for each in found if not any(value.has(sympy.CRootOf) for value in each.values()))
    polynomial = all(difference.is_polynomial(*unknowns) for difference in differences)
    return Solutions(unknowns, kept, complete=polynomial and len(kept) == len(found))


def _is_pole(difference: sympy.Expr, unknown: sympy.Symbol, root: sympy.Expr) -> bool:
    value = difference.subs(unknown, root)
    return bool(value.has(sympy.zoo, sympy.nan, sympy.oo))


def _in_order(roots: list[sympy.Expr]) -> list[sympy.Expr]:
    """Real ones first, then by value; roots that contain letters stay as they come."""
    if any(not root.is_number for root in roots):
        return roots
    return sorted(roots, key=lambda root: (not _is_real(root), *map(float, root.evalf(15).as_real_imag())))


def _is_real(value: sympy.Expr) -> bool:
    if value.is_real is not None:
        return bool(value.is_real)
    return bool(abs(sympy.im(value.evalf(20))) < 1e-15) if value.is_number else True
