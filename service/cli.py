"""The program `svge`. Each command is in `service/commands`; none loads torch before it needs it."""

import typer

from service.commands import coding, database, evaluate, keys, models, serve, spaces, train, worker

app = typer.Typer(
    name="svge",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    help="SVGe Search: a service that proposes neural architectures. Start with 'svge serve'.",
)
app.command()(serve.serve)
app.command()(train.train)
app.command()(coding.encode)
app.command()(coding.decode)
app.command()(models.models)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(spaces.app, name="space")
app.add_typer(database.app, name="db")
app.add_typer(keys.app, name="keys")
app.add_typer(worker.app, name="worker")

if __name__ == "__main__":
    app()
