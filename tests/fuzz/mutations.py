"""What nobody should send: valid values made almost valid, their JSON made almost JSON, and bytes made others.

All choices are asked of a `random.Random`; where hypothesis gives it, an example can be made again.
"""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any

#: Texts that have hurt somebody.
TEXTS = (
    *("", " ", "\0", "a\0b", "\ud800", "\udc00x", "\u202e\u2066", "\x1b]52;c;eA==\x07", "\x9b2J", "\ufeff", "😀" * 300),
    *("../../etc/passwd", "{{7*7}}", "{% raw %}", "${jndi:ldap://x}", "%s%n%00", "'; DROP TABLE jobs;--", "<script>"),
    *("NaN", "null", "-1", "1e999", "__proto__", "constructor", "\r\nX-Evil: 1\r\n\r\n", "data: x\n\nevent: end\n\n"),
    *("x" * 5_000, "\\" * 999, '"' * 999, "ü" * 30_000, "\u2028\u2029", "jobs.>", "*", "a.b", "/~0~1~2", "\x7f\x80"),
)
NUMBERS = (0, -1, 1, 2, 2**31, 2**53 + 1, 2**64, -(2**63) - 1, 10**400, 1e308, 5e-324, -0.0, 0.1 + 0.2)
ODD: tuple[Any, ...] = (None, True, False, [], {}, [None], [[]], {"": {}}, float("nan"), float("inf"), float("-inf"))


def hostile(random: Random) -> Any:
    """Any value: a text, a number, or one of the odd ones; sometimes deep or with many members."""
    match random.randrange(10):
        case 0 | 1 | 2 | 3:
            return random.choice(TEXTS)
        case 4 | 5:
            return random.choice(NUMBERS)
        case 6:
            return nested(random.choice((10, 60, 120)), random.random() < 0.5)
        case 7:
            return [random.choice(TEXTS)] * random.choice((2, 101, 3_000))
        case 8:
            return {f"k{number}": number for number in range(random.choice((3, 300, 3_000)))}
    return random.choice(ODD)


def nested(depth: int, as_objects: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value} if as_objects else [value]
    return value


def mutated(value: Any, random: Random, *, times: int = 2) -> Any:
    """A copy in which up to so many members or items are others, missing, doubled, moved or additional."""
    root = [deepcopy(value)]
    for _ in range(random.randint(0, times)):
        holder, key = random.choice(list(_places(root)))
        match random.randrange(7):
            case 0 if holder is not root:
                del holder[key]
            case 1:
                holder[key] = [holder[key]]
            case 2 if isinstance(holder[key], dict):
                holder[key][random.choice(TEXTS)] = hostile(random)
            case 3 if isinstance(holder[key], list):
                holder[key] = holder[key] * random.choice((2, 40))
            case 4 if isinstance(holder[key], str):
                holder[key] += random.choice(TEXTS)
            case 5:
                other, place = random.choice(list(_places(root)))
                holder[key] = deepcopy(other[place])
            case _:
                holder[key] = hostile(random)
    return root[0]


def _places(holder: Any) -> Iterator[tuple[Any, Any]]:
    keys = range(len(holder)) if isinstance(holder, list) else list(holder)
    for key in keys:
        yield holder, key
        if isinstance(holder[key], (list, dict)):
            yield from _places(holder[key])


def json_text(value: Any, random: Random) -> str:
    """JSON of it, by chance broken: cut off, with members twice, control characters, or something before or behind."""
    text = json.dumps(value, ensure_ascii=random.random() < 0.5, indent=random.choice((None, 2)))
    at = random.randint(0, len(text))
    breaking: dict[int, Callable[[], str]] = {
        0: lambda: text[:at],
        1: lambda: text[:at] + random.choice(TEXTS) + text[at:],
        2: lambda: text.replace("{", '{"a":1,"a":2,"__proto__":[],', 1),
        3: lambda: text + random.choice((text, "}", "\0", "// x", "\n\n", ",")),
        4: lambda: "```json\n" + text + "\n```",
        5: lambda: text.replace('"', "'"),
        6: lambda: text.replace(":", ": \x01", 1),
        7: lambda: text[:at] + random.choice(("[", "{", '{"a":')) * 30_000 + text[at:],
    }
    return breaking.get(random.randrange(24), lambda: text)()


def encoded(text: str, random: Random) -> bytes:
    """In UTF-8, surrogates and all; by chance in another encoding."""
    match random.randrange(16):
        case 0:
            return text.encode("utf-16", "surrogatepass")
        case 1:
            return text.encode("latin-1", "replace")
        case 2:
            return text.encode("utf-8-sig", "surrogatepass")
    return text.encode("utf-8", "surrogatepass")


def body(valid: Any, random: Random) -> bytes:
    """A body like `valid`, in any state."""
    return encoded(json_text(mutated(valid, random), random), random)


def garbled(data: bytes, random: Random, *, times: int = 3) -> bytes:
    """The bytes with some of them flipped, dropped, doubled, or with others between them."""
    changed = bytearray(data)
    for _ in range(random.randint(1, times)):
        at = random.randint(0, len(changed))
        upto = min(len(changed), at + random.choice((1, 2, 20)))
        match random.randrange(4):
            case 0:
                del changed[at:upto]
            case 1:
                changed[at:at] = changed[at:upto] * random.choice((1, 3, 200))
            case 2:
                changed[at:at] = random.choice((b"\0", b"\r\n", b"\n", b"\r", b" ", b":", b"\xff", b"\xc0\x80", b"\t"))
            case _ if at < len(changed):
                changed[at] ^= 1 << random.randrange(8)
    return bytes(changed)
