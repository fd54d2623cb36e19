"use strict";
// Checks an answer against what was given to check it with: an expression to compute again, equations to hold.
// Words are never read. What only repeats the answer, or holds for other answers too, proves nothing.

const NAMED = /^\s*([A-Za-z_]\w*)\s*=(?!=)(.+)$/s;
const BETWEEN = /\s*(?:[,;\n]|\band\b|\bor\b)+\s*(?=[A-Za-z_]\w*\s*=(?!=))/;

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
const idle = (evidence) => ({ ...inconclusive(evidence), idle: true });

const form = (text) => math.parse(text).toString({ parenthesis: "auto" });

// Whether `text` is the answer again: written alike, or a number of the same unit. Nothing is computed then.
function repeats(text, answer, scope) {
  const isUnit = (node) => node.isSymbolNode && !scope.has(node.name) && math.Unit.isValuelessUnit(node.name);
  const plain = (node) => node.isConstantNode || isUnit(node) || (node.isSymbolNode && scope.has(node.name))
    || (node.isParenthesisNode && plain(node.content)) || (node.isArrayNode && node.items.every(plain))
    || (node.isOperatorNode && (/^unary(Minus|Plus)$/.test(node.fn) || (node.implicit && isUnit(node.args[1]))) && node.args.every(plain));
  const units = (value) => String(items(value).map(unitOf));
  return form(text) === form(answer.text) || (plain(math.parse(text)) && units(evaluate(text, scope)) === units(answer.value));
}

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
  const [shown, compared] = [`${expression} = ${showLike(expected, given.value)}`, compare(expected, given)];
  if (["equal", "rounded"].includes(compared) && repeats(expression, given, scope)) {
    return idle(`the expression ${expression} is the answer itself: nothing was computed`);
  }
  switch (compared) {
    case "equal": return valid(shown.endsWith(` = ${text}`) ? shown : `${shown}, which is ${text}`, 1, "recomputation");
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
  if (form(expression) === form(text)) return idle(`the expression ${expression} is the answer itself`);
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

// Why the equation, which holds, says nothing about the value of that name; undefined if it says something.
function saysNothing(equation, name, given, scope) {
  const sides = sidesOf(equation);
  if (sides && form(sides[0]) === form(sides[1])) return `${equation} holds for every ${name}`;
  if (sides?.some((side, k) => form(side) === name && repeats(sides[1 - k], given, new Map()))) {
    return `${equation} is the answer itself`;
  }
  const [value, others] = [scope.get(name), new Map(scope)];
  for (const [factor, more] of [[1.37, 0.7391], [-0.61, -1.3247]]) {
    try {
      const other = math.add(math.multiply(value, factor), math.isUnit(value) ? math.unit(more, unitOf(value)) : more);
      if (holds(equation, new Map(), others.set(name, other)).verdict === "valid") {
        return `${equation} also holds for ${name} = ${show(other)}`;
      }
    } catch { /* not for that value, then */ }
  }
  return undefined;
}

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

// A name that was meant as an unknown may be a unit's.
function unitsIn(equations, known) {
  const nodes = equations.flatMap((each) => sidesOf(each) ?? [each])
    .flatMap((side) => math.parse(side).filter((node) => node.isSymbolNode));
  const units = [...new Set(nodes.map(({ name }) => name))].filter((name) => !known.has(name) && math.Unit.isValuelessUnit(name));
  return units.length ? ` (${units.join(", ")} ${units.length > 1 ? "are units" : "is a unit"} here)` : "";
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
      const computing = equations.filter((each) => sidesOf(each)?.some((side) => !repeats(side, answer, known)));
      const candidates = used.length ? used : computing.flatMap(sidesOf);
      const found = candidates.find((each) => ["equal", "rounded"].includes(compare(evaluate(each, known), answer)));
      if (found === undefined) {
        return [inconclusive(`the equations say nothing about ${bare}: write it as name = value${unitsIn(equations, known)}`)];
      }
      if (used.length) named = new Map([[found, [bare]]]);
    }
  }
  const missing = computed ? [] : [...named.keys()].filter((name) => !equations.some((each) => occurs(name, each)));
  if (missing.length) return [inconclusive(`no equation contains ${missing.join(", ")}`)];
  const count = Math.max(1, ...[...named.values()].map((texts) => texts.length));
  if ([...named.values()].some((texts) => texts.length > 1 && texts.length < count)) {
    return [inconclusive("the names of the answer have different numbers of values")];
  }
  const found = [];
  for (let k = 0; k < count; k += 1) {
    const given = new Map(variables);
    for (const [name, texts] of named) given.set(name, read(texts[k] ?? texts[0]));
    found.push(...equations.map((each) => holds(each, given, values(given))));
    for (const name of computed ? [] : named.keys()) {
      const about = equations.filter((each) => occurs(name, each));
      const reasons = about.map((each) => saysNothing(each, name, given.get(name), values(given)));
      if (reasons.every(Boolean)) found.push(inconclusive(reasons.join("; ")));
    }
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
  const computed = checks.some((each) => !each.idle);
  if (equations.length) checks.push(...substitute(equations, named, bare, variables, computed));
  return checks.length > 1 ? checks.filter((each) => !each.idle) : checks;
}

const values = (readings) => new Map([...readings].map(([name, { value }]) => [name, value]));
