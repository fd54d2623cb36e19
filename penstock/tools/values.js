"use strict";
// Values as they are written, and how they compare: one is as exact as its digits, 3.14 stands for 3.135 to 3.145.

const EXACT = 1e-12;
// A decimal number anywhere in a text; or a text that is one whole number of three digits or more, and its unit.
const DECIMAL = /(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?(?![\w.]*\()/gi;
const WHOLE = /^(\s*-?\s*)(\d{3,})(\s*(?:%|[a-z°µ$].*)?)$/i;
const COARSE = /^\s*-?\s*\d{1,2}\s*(?:%|[a-z°µ].*)?$/i;

function halfOfLastDigit(digits) {
  const [, decimals = "", exponent = "0"] = /^\d+(?:\.(\d+))?(?:e([+-]?\d+))?$/i.exec(digits);
  return 0.5 * 10 ** (Number(exponent) - decimals.length);
}

// A text's value, and the least and the greatest that its digits stand for.
function read(text, scope) {
  const shifted = (sign) => {
    const move = (digits) => `(${Number(digits) + sign * halfOfLastDigit(digits)})`;
    const [, before, whole, after] = WHOLE.exec(text) ?? [];
    return evaluate(whole ? before + move(whole) + after : text.replace(DECIMAL, move), scope);
  };
  const value = evaluate(text, scope);
  if (value === undefined || typeof value === "function") throw new Refused(`${text || "nothing"} is no value`);
  const inexact = typeof value === "number" || (typeof value === "object" && !math.isFraction(value));
  const near = [1 - EXACT, 1 + EXACT].map((factor) => (inexact ? math.multiply(value, factor) : value));
  return { text, value, spread: [shifted(-1), shifted(1), ...near], rounded: WHOLE.test(text) || text.search(DECIMAL) >= 0 };
}

const unitOf = (value) => (math.isUnit(value) ? value.formatUnits() : undefined);
const items = (value) => (math.isCollection(value) ? math.flatten(value).valueOf() : [value]);

// Real and imaginary parts, in that unit, of every element.
function parts(value, units) {
  return items(value).flatMap((one, index) => {
    const unit = units[index % units.length];
    if (math.isUnit(one) !== (unit !== undefined)) throw new Refused("one value has a unit and the other has none: give both with units or neither");
    if (math.isUnit(one)) one = one.toNumeric(unit);
    return math.isComplex(one) ? [one.re, one.im] : [Number(math.number(one)), 0];
  });
}

// "equal", "rounded" (equal by the digits given), "coarse" (only if rounded to one or two digits), or "different".
function compare(expected, given) {
  const { value, spread, text } = given;
  if (["boolean", "string"].includes(typeof value) || ["boolean", "string"].includes(typeof expected)) {
    if (typeof value !== typeof expected) throw new Refused(`${show(value)} and ${show(expected)} are of different kinds`);
    return value === expected ? "equal" : "different";
  }
  if (String(math.size(value)) !== String(math.size(expected))) return "different";
  const units = items(value).map(unitOf);
  if (math.isUnit(value) && math.isUnit(expected) && !value.equalBase(expected)) return "different";
  if (typeof expected === "number" && math.isUnit(value) && value.hasBase("ANGLE")) expected = math.unit(expected, "rad");
  const [want, have, ...bounds] = [expected, value, ...spread].map((each) => parts(each, units));
  const off = want.map((each, k) => Math.abs(each - have[k]));
  const exact = off.map((_, k) => (have[k] === 0 ? EXACT : EXACT * Math.abs(have[k])) * 10);
  if (off.every((each, k) => each <= exact[k])) return "equal";
  const slack = have.map((each, k) => exact[k] + Math.max(...bounds.map((bound) => Math.abs(bound[k] - each))));
  if (off.every((each, k) => each <= slack[k])) return "rounded";
  return COARSE.test(text) && off.every((each) => each <= (text.includes("%") ? 0.005 : 0.5)) ? "coarse" : "different";
}
