// What mathjs itself says in Node: a list of expressions in, a list of results out.
const math = require("../../npm/node_modules/mathjs");
const expressions = JSON.parse(require("fs").readFileSync(0, "utf8"));
console.log(JSON.stringify(expressions.map((expression) => {
  try {
    return math.format(math.evaluate(expression), { precision: 14 });
  } catch (error) {
    return `${error}`;
  }
})));
