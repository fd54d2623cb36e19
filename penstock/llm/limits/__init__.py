"""What may be asked of a model at once and in a minute, by all replicas together (docs/adr/0024).

A call takes its turn: a permit of its model, where calls at once are limited (`permits`); the end of a pause that the
model's provider asked for (`pauses`); its place in the minute, where that is limited (`pace`).
"""
