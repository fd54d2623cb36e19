"""evaluator-optimizer: translate, evaluate, improve until it is good enough."""
