"""From method and path to a route: exact paths by dictionary, the rest by segments."""

from collections.abc import Iterable

from clearhouse.sandbox.core import Route


class Router:
    """Built once; looks up in a time that does not grow with the number of exact routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[tuple[str, str], Route] = {}
        self._patterns: dict[tuple[str, int], list[tuple[list[str], Route]]] = {}
        for route in routes:
            if "{" not in route.pattern:
                self._exact[route.method, route.pattern] = route
                continue
            segments = route.pattern.split("/")
            key = (route.method, len(segments))
            self._patterns.setdefault(key, []).append((segments, route))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and the values of its placeholders, or None. Exact paths come first."""
        exact = self._exact.get((method, path))
        if exact is not None:
            return exact, {}
        segments = path.split("/")
        for pattern, route in self._patterns.get((method, len(segments)), ()):
            params = _match(pattern, segments)
            if params is not None:
                return route, params
        return None


def _match(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for expected, actual in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            if not actual:
                return None
            params[expected[1:-1]] = actual
        elif expected != actual:
            return None
    return params
