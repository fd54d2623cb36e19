"use strict";
// Checks an answer against what was given to check it with: an expression to compute again, equations to hold.
// Words are never read. An answer is as exact as its digits: 3.14 stands for 3.135 to 3.145.

const EXACT = 1e-12;
// A decimal number anywhere in a text; or a text that is one whole number of three digits or more, and its unit.
const DECIMAL = /(?<![\w.])\d+\.\d+(?:e[+-]?\d+)?(?![\w.]*\()/gi;
const WHOLE = /^(\s*-?\s*)(\d{3,})(\s*(?:%|[a-z°µ$].*)?)$/i;
const COARSE = /^\s*-?\s*\d{1,2}\s*(?:%|[a-z°µ].*)?$/i;
const NAMED = /^\s*([A-Za-z_]\w*)\s*=(?!=)(.+)$/s;
const BETWEEN = /\s*(?:[,;\n]|\band\b|\bor\b)+\s*(?=[A-Za-z_]\w*\s*=(?!=))/;

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

function freeNames(text, scope) {
  const names = new Set();
  const defined = new Set();
  math.parse(text).traverse((node, path) => {
    if (node.isFunctionAssignmentNode) node.params.forEach((name) => defined.add(name));
    if (node.isAssignmentNode) defined.add(node.name);
    if (node.isSymbolNode && path !== "fn") names.add(node.name);
  });
  return [...names].filter((name) => !scope.has(name) && !defined.has(name)
    && !(name in math.expression.mathWithTransform) && !math.Unit.isValuelessUnit(name));
}

const valid = (evidence, confidence = 1, method = "substitution") => ({ verdict: "valid", evidence, confidence, method });
const invalid = (evidence, method = "substitution") => ({ verdict: "invalid", evidence, confidence: 1, method });
const inconclusive = (evidence) => ({ verdict: "inconclusive", evidence, confidence: 0 });

// A value as a reader compares it with the other: in the other's unit, if it has one.
function showLike(value, other) {
  return show(math.isUnit(value) && math.isUnit(other) && value.equalBase(other) ? math.to(value, unitOf(other)) : value);
}

function recompute(expression, text, scope) {
  let names = freeNames(expression, scope);
  const expected = names.length ? undefined : evaluate(expression, scope);
  if (math.isNode(expected)) names = freeNames(expected.toString(), scope);
  const strange = freeNames(text, scope).filter((name) => !names.includes(name));
  if (strange.length) return inconclusive(`${text} cannot be read, ${strange.join(", ")} being unknown: give the value alone`);
  if (names.length || math.isNode(expected)) return sample(expression, text, scope, names);
  // A name of its own, such as the m of `5 m`, is a unit, whatever the variables are called.
  const given = read(text, freeNames(text, new Map()).length ? scope : undefined);
  const shown = `${expression} = ${showLike(expected, given.value)}`;
  switch (compare(expected, given)) {
    case "equal": return valid(shown, 1, "recomputation");
    case "rounded": return valid(`${shown}, which is ${text} to the digits given`, 0.95, "recomputation");
    case "coarse": return inconclusive(`${shown}, which is ${text} only if rounded: give three digits or more`);
  }
  if (/%/.test(text) && typeof expected === "number" && compare(expected / 100, given) !== "different") {
    return inconclusive(`${shown}, but ${text} is ${show(given.value)}: give both as a percentage or neither`);
  }
  if (math.isCollection(expected) && String(sorted(expected)) === String(sorted(given.value))) {
    return inconclusive(`${shown}, which are the values of ${text} in another order`);
  }
  return invalid(`${shown}, not ${text}`, "recomputation");
}

const sorted = (value) => items(value).map(show).sort();

// Both at the same points, for texts with names that have no value.
function sample(expression, text, scope, names) {
  const at = (source, point) => {
    const value = evaluate(source, point);
    return math.isNode(value) ? value.evaluate(new Map(point)) : value;
  };
  let same = 0;
  for (const start of [0.7391, 1.6180, 2.7193, -1.3247, 4.1327]) {
    const point = new Map([...scope, ...names.map((name, k) => [name, start + k * 0.3711])]);
    const [expected, value] = [at(expression, point), at(text, point)];
    if ([expected, value].some((each) => typeof each === "number" && !Number.isFinite(each))) continue;
    const spread = [math.multiply(value, 1 + 1e-9)];
    if (compare(expected, { value, spread, text: "" }) === "different") {
      const shown = names.map((name) => `${name} = ${show(point.get(name))}`).join(", ");
      return invalid(`with ${shown}: ${expression} is ${show(expected)}, but ${text} is ${show(value)}`, "numeric_sampling");
    }
    same += 1;
  }
  return same >= 3 ? valid(`${text} equals ${expression} at ${same} points`, 0.95, "numeric_sampling")
    : inconclusive(`${expression} has no value at the points tried`);
}

function sidesOf(equation) {
  const sides = equation.split(/(?<![<>!=:])={1,2}(?!=)/);
  return sides.length === 2 ? sides : undefined;
}

function holds(equation, given, scope) {
  const sides = sidesOf(equation);
  const used = [...given].filter(([name]) => occurs(name, equation));
  const shown = used.length ? `with ${used.map(([name, { text }]) => `${name} = ${text.trim()}`).join(", ")}: ` : "";
  if (!sides) {
    const value = evaluate(equation, scope);
    if (typeof value !== "boolean") throw new Refused(`${equation} is no equation: write it with one =`);
    return value ? valid(`${shown}${equation} is true`) : invalid(`${shown}${equation} is false`);
  }
  const [left, right] = sides.map((side) => evaluate(side, scope));
  if ([left, right].some((side) => typeof side === "boolean" || typeof side === "string")) {
    return left === right ? valid(`${shown}${equation}`) : invalid(`${shown}${equation} does not hold`);
  }
  const units = items(left).map(unitOf);
  if (math.isUnit(left) && math.isUnit(right) && !left.equalBase(right)) {
    return invalid(`${shown}${sides[0].trim()} = ${show(left)} and ${sides[1].trim()} = ${show(right)} do not compare`);
  }
  const difference = (values) => {
    const [a, b] = sides.map((side) => parts(evaluate(side, values), units));
    if (a.length !== b.length) throw new Refused(`the sides of ${equation} have different sizes`);
    return a.map((each, k) => [each - b[k], Math.max(Math.abs(each), Math.abs(b[k]))]);
  };
  const off = difference(scope);
  // How far the sides may differ: what the digits given leave open, added up over the values.
  const slack = off.map(([, size]) => EXACT * size);
  for (const [name, { spread }] of used) {
    const moved = spread.map((value) => difference(new Map(scope).set(name, value)));
    off.forEach(([each], k) => { slack[k] += Math.max(...moved.map((one) => Math.abs(one[k][0] - each))); });
  }
  if (!off.every(([each], k) => Math.abs(each) <= slack[k])) {
    return invalid(`${shown}${sides[0].trim()} = ${show(left)}, not ${showLike(right, left)}`);
  }
  return valid(`${shown}${equation} holds`, used.some(([, { rounded }]) => rounded) ? 0.95 : 1);
}

const occurs = (name, text) => {
  const parsed = (sidesOf(text) ?? [text]).map((side) => math.parse(side));
  return parsed.some((node) => node.filter((each) => each.isSymbolNode && each.name === name).length > 0);
};

// Roots of a polynomial up to the third degree that the answer does not name, for the evidence.
function otherRoots(equation, name, given) {
  try {
    const [left, right] = sidesOf(equation);
    const { coefficients, variables } = math.rationalize(`(${left}) - (${right})`, {}, true);
    if (String(variables) !== name || coefficients.length < 3 || coefficients.length > 4) return [];
    return math.polynomialRoot(...coefficients).filter((root) => math.abs(math.im(root)) < 1e-9)
      .map((root) => math.re(root)).filter((root) => given.every((each) => compare(root, each) === "different"
        && math.abs(math.subtract(root, each.value)) > 1e-6));
  } catch {
    return [];
  }
}

// Every equation, with the values of the answer in place of those given for the same names.
function substitute(equations, named, bare, variables, computed) {
  const known = values(variables);
  const unknown = new Set(equations.flatMap((each) => (sidesOf(each) ?? [each]).flatMap((side) => freeNames(side, known))));
  const used = [...known.keys()].filter((name) => equations.some((each) => occurs(name, each)));
  for (const name of named.keys()) unknown.delete(name);
  if (unknown.size > 1 || (unknown.size && bare === undefined)) {
    return [inconclusive(`no value is given for ${[...unknown].join(", ")}`)];
  }
  if (unknown.size) named = new Map([[[...unknown][0], [bare]]]);
  else if (bare !== undefined && !computed) {
    if (used.length === 1) named = new Map([[used[0], [bare]]]);
    else {
      const answer = read(bare);
      const candidates = used.length ? used : equations.flatMap((each) => sidesOf(each) ?? []);
      if (!candidates.some((each) => ["equal", "rounded"].includes(compare(evaluate(each, known), answer)))) {
        return [inconclusive(`the equations say nothing about ${bare}: write it as name = value`)];
      }
    }
  }
  const idle = computed ? [] : [...named.keys()].filter((name) => !equations.some((each) => occurs(name, each)));
  if (idle.length) return [inconclusive(`no equation contains ${idle.join(", ")}`)];
  const count = Math.max(1, ...[...named.values()].map((texts) => texts.length));
  if ([...named.values()].some((texts) => texts.length > 1 && texts.length < count)) {
    return [inconclusive("the names of the answer have different numbers of values")];
  }
  const found = [];
  for (let k = 0; k < count; k += 1) {
    const given = new Map(variables);
    for (const [name, texts] of named) given.set(name, read(texts[k] ?? texts[0]));
    found.push(...equations.map((each) => holds(each, given, values(given))));
  }
  if (named.size === 1 && equations.length === 1 && found.every(({ verdict }) => verdict === "valid")) {
    const [[name, texts]] = named;
    const others = otherRoots(equations[0], name, texts.map((each) => read(each)));
    if (others.length) found.push(valid(`${name} = ${others.map(show).join(", ")} would do as well`, 0.5));
  }
  return found;
}

function validate(request) {
  const { proposedAnswer, expression, equations, variables } = request;
  const checks = [];
  try {
    checks.push(...check(proposedAnswer.trim(), expression, equations, variables));
  } catch (error) {
    if (/stack|memory|invalid (array|string) length/i.test(error?.message)) throw error;
    checks.push(inconclusive(sentence(error)));
  }
  const of = (verdict) => checks.filter((each) => each.verdict === verdict);
  const [verdict, those] = ["invalid", "inconclusive", "valid"].map((each) => [each, of(each)]).find(([, each]) => each.length);
  return {
    verdict,
    evidence: those.map((each) => each.evidence).join("; ").slice(0, 2000),
    confidence: Math.min(...those.map((each) => each.confidence)),
    method: those[0].method ?? "none",
  };
}

// The values given, and what the answer says: `x = 2 or x = 3`, `x = 6, y = 4`, or a bare value.
function check(answer, expression, equations, given) {
  if (!expression && !equations.length) {
    return [inconclusive("nothing was given to check it with: give an expression that computes the answer, or equations")];
  }
  const variables = new Map();
  for (const [name, text] of Object.entries(given)) {
    variables.set(name, read(text));
  }
  const named = new Map();
  if (NAMED.test(answer)) {
    for (const part of answer.split(BETWEEN)) {
      const [, name, text] = NAMED.exec(part) ?? [];
      if (!name) throw new Refused(`${part} is not of the form name = value`);
      named.set(name, [...(named.get(name) ?? []), text.trim()]);
    }
  }
  for (const text of named.size ? [...named.values()].flat() : [answer]) {
    if (/\b(and|or)\b/.test(text)) throw new Refused(`write each value of ${answer} with its name, as in x = 2 or x = 3`);
  }
  const bare = named.size ? undefined : answer;
  const checks = [];
  if (expression) {
    const single = bare ?? (named.size === 1 && [...named.values()][0].length === 1 ? [...named.values()][0][0] : undefined);
    checks.push(single === undefined ? inconclusive("an expression computes one value: check several with equations")
      : recompute(expression, single, values(variables)));
  }
  if (equations.length) checks.push(...substitute(equations, named, bare, variables, Boolean(expression)));
  return checks;
}

const values = (readings) => new Map([...readings].map(([name, { value }]) => [name, value]));
