"""A property that is worked out once."""

from collections.abc import Callable
from typing import Any


class kept:
    """As ``functools.cached_property`` since Python 3.12, which takes no lock: two threads may work it out twice, and agree."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make, self._name, self.__doc__ = make, make.__name__, make.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self._name] = self._make(instance)
        return value
