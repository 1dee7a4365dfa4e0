"""`completion`: the script by which a shell completes commands, environments and options."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from deployer.commands.invocation import Command

PROGRAM = "deploy.py"
VARIABLE = "_DEPLOY_PY_COMPLETE"  # as click makes it of the program's name
SETUP = {
    "bash": '# In ~/.bashrc: eval "$(/path/to/deploy.py completion bash)"',
    "zsh": '# In ~/.zshrc, after compinit: eval "$(/path/to/deploy.py completion zsh)"',
    "fish": "# In ~/.config/fish/config.fish: /path/to/deploy.py completion fish | source",
}


# Click's scripts for these two call the program by its name on the PATH, and it is called as ./deploy.py.
class Zsh(ZshComplete):
    source_template = ZshComplete.source_template.replace(
        "    (( ! $+commands[%(prog_name)s] )) && return 1\n", "    local program=${~words[1]}\n"
    ).replace("zsh_complete %(prog_name)s)", "zsh_complete $program)")


class Fish(FishComplete):
    source_template = FishComplete.source_template.replace(
        "    set -l response", "    set -l program (commandline -opc)[1];\n    set -l response"
    ).replace("(commandline -t) %(prog_name)s)", "(commandline -t) $program)")


SHELLS: dict[str, type[ShellComplete]] = {"bash": BashComplete, "zsh": Zsh, "fish": Fish}


@click.command(
    "completion", cls=Command, examples=("completion bash", "completion zsh", "completion fish | source")
)
@click.argument("shell", metavar="bash|zsh|fish", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the script that completes in a shell."""
    script = SHELLS[shell](context.find_root().command, {}, PROGRAM, VARIABLE).source()
    print(f"{SETUP[shell]}\n{script.strip()}")
    return 0
