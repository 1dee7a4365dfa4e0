"""A stack on its way out: what its deletion keeps, loses and stumbles over, and the deletion itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deployer import contents, drawing, orphans, removal, stack
from deployer.changeset import ChangeSets
from deployer.contents import Contents
from deployer.errors import Busy, DataLossNotAccepted, DeployerError, Guarded, Protected
from deployer.events import Listener
from deployer.naming import meant
from deployer.operation import Operation
from deployer.removal import Fate, Leaving, Removal
from deployer.stack import REVIEW, Stack
from deployer.target import Target
from deployer.wrapping import wrapped

DELETED = frozenset({"DELETE_COMPLETE"})


class PlatformStands(DeployerError):
    """{stack} still stands and needs what {bootstrap} offers: first run `python deploy.py destroy
    {environment}`"""


class NotEmpty(DeployerError):
    """{stack} cannot be deleted while something lies in {paths}: to lose that as well, add {options} to
    `python deploy.py {command}`; nothing was deleted"""


@dataclass(frozen=True)
class Listing:
    """All that the deletion of one stack would touch."""

    removal: Removal
    contents: tuple[Contents, ...]

    @property
    def endangered(self) -> tuple[Leaving, ...]:
        """What holds data, and goes; a last snapshot is not the resource."""
        return tuple(leaving for leaving in self._going if leaving.holds_data)

    @property
    def blocking(self) -> tuple[Contents, ...]:
        going = {leaving.path for leaving in self._going}
        return tuple(each for each in self.contents if each.blocks and each.path in going)

    @property
    def buckets(self) -> tuple[str, ...]:
        """What `--empty` may name: an empty one too, so that a command that half went can be typed again."""
        return tuple(leaving.path for leaving in self._going if leaving.type == contents.BUCKET)

    @property
    def _going(self) -> tuple[Leaving, ...]:
        return tuple(leaving for leaving in self.removal.resources if leaving.fate is not Fate.KEPT)

    def render(self, width: int = 100) -> str:
        """What is kept and lost, and what to know of both; commands and pages are never cut."""
        lines = [self.removal.render(width)]
        if self.contents:
            lines.append("not empty:")
            lines += [drawing.cut(f"  {each.line()}", width) for each in self.contents]
        kept = [leaving for leaving in self.removal.resources if leaving.fate is Fate.KEPT]
        for note in orphans.notes(kept):
            lines += wrapped(note, width)
        return "\n".join(lines)


@dataclass(frozen=True)
class Destruction:
    """The deletion of one stack of a target: the platform's, or with `bootstrap` the one below it."""

    target: Target
    bootstrap: bool = False

    @property
    def stack_name(self) -> str:
        return self.target.bootstrap_name if self.bootstrap else self.target.stack_name

    @property
    def command(self) -> str:
        return f"destroy {self.target.environment.name}{' --bootstrap' if self.bootstrap else ''}"

    def listing(self) -> Listing | None:
        """What would be kept and lost; None when there is no stack."""
        present = self._present()
        if present is None:
            return None
        leaving = removal.read(self.target.clients.cloudformation, present)
        held = contents.look(self.target.clients, leaving.resources, self.target.environment.account)
        return Listing(leaving, held)

    def nothing(self) -> str:
        """What to say where there is no stack: also what is left beside it, and how that goes."""
        said = f"{self.stack_name}: nothing to do"
        name, environment = self.target.bootstrap_name, self.target.environment.name
        if self.bootstrap or stack.find(self.target.clients.cloudformation, name) is None:
            return said
        return f"{said}; {name} is still there: `python deploy.py destroy {environment} --bootstrap`"

    def removal(self) -> Removal | None:
        """The same without a look into buckets. Raises Busy, Protected, Guarded."""
        present = self._present()
        if present is None:
            return None
        self._refuse(present)
        leaving = removal.read(self.target.clients.cloudformation, present)
        self._refuse_guarded(present, leaving)
        return leaving

    def check(self, listing: Listing, accepted: Iterable[str] | None, emptied: Iterable[str]) -> None:
        """Whether all that is lost was agreed to; `accepted` is None where a person typed the stack's name.

        A name is a path (`Stream/Readings`) or a logical id that is one resource's only. Raises Busy,
        Protected, PlatformStands, Guarded, NoSuchName, Ambiguous, DataLossNotAccepted, NotEmpty.
        """
        present = self._present()
        if present is not None:
            self._refuse(present)
            self._refuse_guarded(present, listing.removal)
        blocking = [each.path for each in listing.blocking]
        self._refuse_without("--empty", NotEmpty, blocking, meant("--empty", emptied, listing.buckets))
        endangered = [leaving.path for leaving in listing.endangered]
        if accepted is not None:
            option = "--accept-data-loss"
            agreed = meant(option, accepted, endangered)
            self._refuse_without(option, DataLossNotAccepted, endangered, agreed)

    def destroy(self, listener: Listener, emptied: Sequence[Contents] = ()) -> None:
        """Empty what was told, then delete the stack, each resource by its DeletionPolicy, and follow it.

        Raises Protected, Busy, PlatformStands, StillLocked, NotEmptied, DeploymentFailed.
        """
        present = self._present()
        if present is None:
            return
        self._refuse(present)
        for each in emptied:
            contents.empty(self.target.clients, each, self.target.environment.account)
        cloudformation = self.target.clients.cloudformation
        if present.status == REVIEW:
            ChangeSets(cloudformation, self.target.clock, self.target.poll).remove_ours(present.name)
        operation = Operation.of(self.target, present.name, present.id)
        cloudformation.delete_stack(StackName=present.id, ClientRequestToken=self.target.new_token())
        operation.follow(listener, DELETED)

    def _present(self) -> Stack | None:
        self.target.check_account()
        return stack.find(self.target.clients.cloudformation, self.stack_name)

    def _refuse(self, present: Stack) -> None:
        environment = self.target.environment.name
        if present.is_moving:
            raise Busy(stack=present.name, status=present.status, environment=environment)
        if present.protected:
            command = "bootstrap" if self.bootstrap else "apply"
            raise Protected(stack=present.name, environment=environment, command=command)
        if self.bootstrap and stack.find(self.target.clients.cloudformation, self.target.stack_name):
            raise PlatformStands(
                stack=self.target.stack_name, bootstrap=self.stack_name, environment=environment
            )

    def _refuse_guarded(self, present: Stack, leaving: Removal) -> None:
        """A stack that an `apply` can still make deletable is not forced."""
        if leaving.guarded and not present.is_stuck:
            paths = ", ".join(leaving.guarded)
            raise Guarded(stack=self.stack_name, paths=paths, environment=self.target.environment.name)

    def _refuse_without(
        self, option: str, error: type[DeployerError], paths: Sequence[str], agreed: frozenset[str]
    ) -> None:
        if left := [path for path in paths if path not in agreed]:
            raise error(
                stack=self.stack_name,
                paths=", ".join(left),
                options=" ".join(f"{option} {path}" for path in left),
                command=self.command,
            )


@dataclass(frozen=True)
class Left:
    """One resource in a document; `import_as` is its ResourceIdentifier for a change set of type IMPORT."""

    path: str
    type: str
    physical_id: str
    import_as: str | None = None


@dataclass(frozen=True)
class Document:
    """What `destroy --json` prints: what the deletion keeps and loses; `deleted`: whether it was made."""

    environment: str
    stack: str
    deleted: bool
    kept: tuple[Left, ...] = ()
    snapshot: tuple[Left, ...] = ()
    lost: tuple[Left, ...] = ()
    guarded: tuple[str, ...] = ()
    contents: tuple[Contents, ...] = ()
    accept: tuple[str, ...] = ()
    """The paths that --accept-data-loss must name."""


def document(destruction: Destruction, listing: Listing | None, deleted: bool) -> Document:
    environment = destruction.target.environment.name
    if listing is None:
        return Document(environment, destruction.stack_name, deleted)

    def those(fate: Fate) -> tuple[Left, ...]:
        return tuple(
            Left(
                leaving.path,
                leaving.type,
                leaving.physical_id,
                orphans.identifier(leaving) if fate is Fate.KEPT else None,
            )
            for leaving in listing.removal.resources
            if leaving.fate is fate
        )

    return Document(
        environment=environment,
        stack=destruction.stack_name,
        deleted=deleted,
        kept=those(Fate.KEPT),
        snapshot=those(Fate.SNAPSHOT),
        lost=those(Fate.LOST),
        guarded=listing.removal.guarded,
        contents=listing.contents,
        accept=tuple(leaving.path for leaving in listing.endangered),
    )
