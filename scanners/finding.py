"""What a scanner has against a resource, and the error of a scanner that did not scan."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    rule: str
    where: str  # <environment>/<stack>.<resource>; the stack alone when a rule names no resource
    message: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.rule} {self.message}".rstrip()


class ScannerError(Exception):
    """{what did not work, and what to do}: nothing is known of the templates, so nothing may pass."""
