"""``covenant completion``."""

from __future__ import annotations

import click

from covenant.cli.command import command
from covenant.cli.session import Session


@command(
    "completion",
    "covenant completion bash > /etc/bash_completion.d/covenant",
    "covenant completion fish > ~/.config/fish/completions/covenant.fish",
    exits=(0, 2),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(session: Session, shell: str) -> None:
    """Print a script that teaches a shell to complete our commands and options."""
    from click.shell_completion import get_completion_class

    from covenant.cli.main import covenant

    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(covenant, {}, "covenant", "_COVENANT_COMPLETE").source()
    session.output.result(script)
    session.output.document({"shell": shell, "script": script})
