"""`tenure token ACCOUNT`: a bearer token, as the services check it, and nothing else on stdout.

Exit code 1 when there is no secret to sign with.
"""

from typing import Annotated

import typer

from shared.runtime.settings import BadSettings
from tenure import tokens
from tenure.commands import options
from tenure.commands.failures import Failed, failing
from tenure.connection_options import ConnectionOptions, NotFound, settings_for
from tenure.terminal import say, say_json

app = typer.Typer(add_completion=False)
Account = Annotated[
    str,
    typer.Argument(metavar="ACCOUNT", parser=options.account_id, help="The account id that the token is for."),
]
Operator = Annotated[bool, typer.Option("--operator", help="Allow the operators' paths too.")]


@app.command()
def token(
    account: Account,
    operator: Operator = False,
    kafka: options.Kafka = None,
    ready_file: options.ReadyFile = None,
    as_json: options.Json = False,
) -> None:
    """Print a bearer token that is valid for one hour."""
    with failing("tenure token", NotFound, BadSettings):
        where = ConnectionOptions(kafka=kafka, ready_file=ready_file)
        secret = settings_for(where, "TENURE_AUTH_SECRET").auth_secret
        if secret is None:
            raise Failed("tenure token", "there is no TENURE_AUTH_SECRET to sign with")
        made = tokens.token(account, secret.get_secret_value(), operator=operator)
    if as_json:
        say_json({"token": made, "expires_in_seconds": int(tokens.VALID_FOR.total_seconds())})
    else:
        say(made)
