"use strict";
// Runs after mathjs in the same context. There is nothing outside of it to reach, and each call has a process of
// its own: what an expression changes is gone with it.

class Refused extends Error {}

const MOST_CHARACTERS = 20000;

// What mathjs's page on security names, and what changes or explains mathjs itself. `simplify`, `derivative` and
// `resolve` stay: under the limits they can do no more than any other expression.
for (const name of ["import", "createUnit", "reviver", "replacer", "config", "typed", "evaluate", "parse", "compile",
  "parser", "chain", "help"]) {
  const value = () => { throw new Refused(`${name} is not available here`); };
  Object.defineProperty(math.expression.mathWithTransform, name, { value });
}

// What a model does next after an error whose own words do not say it.
const ADVICE = [
  [/^Invalid left hand side of assignment/, "an equation is not solved here: solve it, then check the solution with "
    + "validateAnswer; to compare two values write =="],
  [/^Undefined symbol of$/, "for 15 % of 80 write 15% * 80"],
  [/^Undefined function/, "there is no such function"],
  [/(symbol|part) "?[×·⋅∙]/, "write *"],
  [/(symbol|part) "?÷/, "write /"],
  [/part "[−–]/, "write - for minus"],
  [/^Undefined symbol/, "define it first, as in x = 3; 2x"],
  [/^Unexpected operator ,/, "write numbers without thousands separators"],
  [/^Unexpected type of argument in function (add|subtract)Scalar .*Unit/, "a unit and a plain number do not add"],
];

function evaluate(text, scope) {
  if (/%\s*[+-][^%;\n]*%/.test(text)) {
    throw new Refused("a % before + or - would be read as a remainder: write each percentage in brackets, (50%)");
  }
  return math.evaluate(text, new Map(scope));
}

function show(value) {
  return math.format(value, { precision: 14 });
}

function calculate({ expression }) {
  const value = evaluate(expression);
  if (value === undefined) throw new Refused("the expression is empty");
  if (typeof value === "function") throw new Refused("that is a function: call it, as in f(x) = x^2; f(3)");
  const result = show(value);
  if (result.length > MOST_CHARACTERS) {
    throw new Refused(`the result has ${result.length} characters, more than ${MOST_CHARACTERS}: ask for a part of it`);
  }
  return result;
}

function sentence(error) {
  const said = String(error?.message ?? error).split("\n")[0].slice(0, 300);
  const advice = error instanceof Refused ? undefined : ADVICE.find(([pattern]) => pattern.test(said));
  return advice ? `${said}; ${advice[1]}` : said;
}

// JSON in, JSON out: {"result"}, or {"refusal"}, a sentence for the model.
function answer(request) {
  try {
    const { task, payload } = JSON.parse(request);
    return JSON.stringify({ result: { calculate, validate }[task](payload) });
  } catch (error) {
    if (/stack/i.test(error?.message)) return JSON.stringify({ refusal: "the expression is nested too deeply" });
    if (/out of memory|invalid array length|invalid string length/i.test(error?.message)) {
      return JSON.stringify({ refusal: "used too much memory: use a smaller expression" });
    }
    return JSON.stringify({ refusal: sentence(error) });
  }
}
