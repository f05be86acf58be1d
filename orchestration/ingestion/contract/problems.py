"""What is wrong with a contract, and where."""

from dataclasses import dataclass


class ContractError(Exception):
    """A contract that cannot be used; the message names file, line and reason."""


@dataclass(frozen=True)
class Problem:
    """A reason not to use a contract; `where` is the path of settings that it stands at, such as ("fields", "mrn")."""

    where: tuple[str | int, ...]
    reason: str

    @property
    def text(self) -> str:
        place = ".".join(map(str, self.where))
        return f"{place}: {self.reason}" if place else self.reason
