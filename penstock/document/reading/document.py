"""The job's events as one Python value that grows: all parts at once, whatever their order."""

import re
from typing import Any

from penstock.contracts.events import Delta, Event, JobCompleted, PartEnd, PartReset, PartRetract, PartStart, PartValue
from penstock.document.pointer import is_at_or_below, join, parse
from penstock.document.reading.growing import NOTHING, Growing

#: Tokens up to 9999 are indices of an array. More are member names: an array is filled up to its last index.
_INDEX = re.compile(r"0|[1-9][0-9]{0,3}")


class Document:
    """Apply the events a `Reader` accepted; `value` is the best that is known of the result at any time.

    Containers exist because something is in them: where all tokens are indices it is an array, with
    None where an element has not come yet, else an object, in the order of arrival. If a part
    begins at, below or around another one, the newer wins.

    Costs: an event, its own length; `value`, the containers on the way to what has changed since. The
    value is to be read, not kept: its inner parts go on growing in place.
    """

    def __init__(self) -> None:
        self._root = _Branch("", None)
        self._leaves: dict[str, _Branch] = {}
        #: The whole result, once the job is completed.
        self.result: dict[str, Any] | None = None

    def apply(self, event: Event) -> None:
        match event:
            case Delta(p=p, t=t):
                leaf = self._leaves.get(p)
                if leaf is not None and leaf.part is not None:
                    leaf.part.feed(t)
                    leaf.changed()
            case PartStart(p=p, k=k):
                self._place(p, Growing(), k)
            case PartEnd(p=p):
                leaf = self._leaves.get(p)
                if leaf is not None and leaf.part is not None:
                    leaf.part.finish()
                    leaf.changed()
            case PartValue(p=p, t=t):
                self._place(p, Growing.whole(t), None)
            case PartReset(p=p, k=k):
                self._forget(p, writer=k)
            case PartRetract(p=p):
                self._forget(p, writer=None)
            case JobCompleted(result=result):
                self.result = result

    @property
    def value(self) -> Any:
        """The result as far as it is known; `{}` if nothing is."""
        if self.result is not None:
            return self.result
        value = self._root.value()
        return {} if value is NOTHING else value

    def _place(self, p: str, part: Growing, writer: str | None) -> None:
        branch = self._root
        for token in parse(p):
            if branch.part is not None:
                self._drop(branch)
            branch = branch.enter(token)
        if branch.below:
            self._forget(p, writer=None)
            branch.below.clear()
        branch.part, branch.writer = part, writer
        self._leaves[p] = branch
        branch.changed()

    def _forget(self, p: str, writer: str | None) -> None:
        """What `writer` wrote at or below `p`; what anyone wrote, if that is None."""
        for leaf in list(self._leaves.values()):
            if writer in (None, leaf.writer) and is_at_or_below(leaf.p, p):
                self._drop(leaf)

    def _drop(self, leaf: "_Branch") -> None:
        leaf.part = None
        del self._leaves[leaf.p]
        leaf.changed()


class _Branch:
    """A place of the tree: a part is at it, or other places are below it."""

    __slots__ = ("_parent", "_stale", "_value", "below", "p", "part", "writer")

    def __init__(self, p: str, parent: "_Branch | None") -> None:
        self.p = p
        self.part: Growing | None = None
        self.writer: str | None = None
        self.below: dict[str, _Branch] = {}
        self._parent = parent
        self._value: Any = NOTHING
        self._stale = False  # then all around it are, too

    def enter(self, token: str) -> "_Branch":
        branch = self.below.get(token)
        if branch is None:
            branch = self.below[token] = _Branch(join(self.p, token), self)
        return branch

    def changed(self) -> None:
        branch: _Branch | None = self
        while branch is not None and not branch._stale:
            branch._stale = True
            branch = branch._parent

    def value(self) -> Any:
        if self._stale:
            self._stale = False
            self._value = self.part.value if self.part is not None else self._container()
        return self._value

    def _container(self) -> Any:
        items = {token: value for token, branch in self.below.items() if (value := branch.value()) is not NOTHING}
        if not items:
            return NOTHING
        if not all(_INDEX.fullmatch(token) for token in items):
            return items
        elements = {int(token): value for token, value in items.items()}
        return [elements.get(index) for index in range(max(elements) + 1)]
