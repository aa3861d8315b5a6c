"""The command line: ``clearhouse <command>``.

Each command lives in a module of its own, imported only when it is called, so that
``clearhouse --help`` answers at once.
"""

import io
import os
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from cyclopts import App, Group, Parameter

import clearhouse
from clearhouse.cli.errors import run_guarded

_TRY: Final = Group("Try it", sort_key=1)
_RUN: Final = Group("Run it", sort_key=2)
_PROVE: Final = Group("Prove it", sort_key=3)
_MANAGE: Final = Group("Manage it", sort_key=4)

_COMMANDS: Final = (
    ("demo", _TRY, "demo.command:demo", "See a marketplace sell for 20 seconds, and its books."),
    ("up", _TRY, "up:up", "Run everything for development; data is kept."),
    ("serve", _RUN, "serve:serve", "Serve the HTTP API."),
    ("work", _RUN, "work:work", "Execute payments, and keep ledger and wallets."),
    ("sandbox", _RUN, "sandbox:sandbox", "Play Stripe, Braintree and Square."),
    ("database", _RUN, "embedded:database", "Run the embedded PostgreSQL alone."),
    ("verify", _PROVE, "verify:verify", "Check every promise over the whole database."),
    ("prove", _PROVE, "prove:prove", "Show the whole trail of one payment."),
    ("funds", _PROVE, "funds:funds", "Account for every cent: whence, where, whose."),
    ("reconcile", _PROVE, "reconcile:reconcile", "Compare our books with the PSPs' reports."),
    ("report", _PROVE, "report:report", "Report what agrees, what does not, and where money is."),
    ("inspect", _PROVE, "inspect_files:inspect", "Read settlement reports and bank statements."),
    ("simulate", _PROVE, "simulate.command:simulate", "Live a marketplace's year in minutes."),
    ("bench", _PROVE, "bench.command:bench", "Measure beside pgbench on the same server."),
    ("migrate", _MANAGE, "migrate:migrate", "Bring the database up to date."),
    ("archive", _MANAGE, "archive:archive", "Put old payments away, while new ones come in."),
    ("route", _MANAGE, "route:route", "Say which PSP would take a payment, and why."),
    ("config", _MANAGE, "config:config", "Show every setting, its source and its meaning."),
)

app: Final = App(
    name="clearhouse",
    help="A payment system that a marketplace runs itself.\n\n"
    "No buyer is charged twice, no cent is lost, and anybody can check that.",
    help_format="markdown",
    version=clearhouse.__version__,
    default_parameter=Parameter(negative=()),
    print_error=False,
    exit_on_error=False,
    suppress_keyboard_interrupt=False,
)
for _order, (_name, _group, _where, _help) in enumerate(_COMMANDS):
    app.command(f"{__name__}.{_where}", name=_name, group=_group, help=_help, sort_key=_order)

app.command(f"{__name__}.bench.worker:work", name="bench-worker", show=False)

_GROUPS: Final = (
    (
        "keys",
        "Create, list and revoke API keys.",
        (
            ("create", "keys:create_key", "Make a key, shown once."),
            ("list", "keys:list_keys", "List all keys, without the keys."),
            ("revoke", "keys:revoke_key", "Close a key for good."),
        ),
    ),
    (
        "dead-letters",
        "See, replay and discard what could not be handled.",
        (
            ("list", "dead_letters:list_letters", "List the dead letters of all services."),
            ("show", "dead_letters:show_letter", "Show one, with its payload and its trail."),
            ("replay", "dead_letters:replay_letter", "Handle one again; without --yes, a dry run."),
            ("discard", "dead_letters:discard_letter", "Lay one aside, with a reason."),
        ),
    ),
    (
        "webhooks",
        "Merchants' webhook endpoints, and what is delivered to them.",
        (
            ("endpoints", "webhooks:list_endpoints", "List the endpoints."),
            ("create", "webhooks:create_endpoint", "Add one; its secret is shown once."),
            ("rotate", "webhooks:rotate_secret", "Make a new secret for one, shown once."),
            ("enable", "webhooks:enable_endpoint", "Send to one again."),
            ("disable", "webhooks:disable_endpoint", "Send nothing to one any more."),
            ("delete", "webhooks:delete_endpoint", "Delete one and its secrets."),
            ("test", "webhooks:try_endpoint", "Send one a message that says nothing."),
            (
                "deliveries",
                "webhooks:list_deliveries",
                "List what was sent to one, or show one message.",
            ),
            ("resend", "webhooks:resend", "Send one message again, or all since a time."),
        ),
    ),
    (
        "payouts",
        "Pay sellers: see, approve and cancel what they are paid.",
        (
            ("run", "payouts_run:run", "Create the payouts that are due by schedule."),
            ("list", "payouts:list_payouts", "List payouts, newest first."),
            ("show", "payouts:show_payout", "Show one, with all that was told of it."),
            ("approve", "payouts:approve_payout", "Let one go, as a second person."),
            ("cancel", "payouts:cancel_payout", "Take one back that is not sent yet."),
            ("correction", "payouts:show_correction", "Show what a bank says of the details."),
        ),
    ),
    (
        "breaks",
        "See, decide and hand on what reconciliation found.",
        (
            ("list", "breaks:list_breaks", "List breaks, the most at stake first."),
            ("show", "breaks:show_break", "Show one: its proposal, its history, what is near."),
            ("accept", "breaks:accept_break", "Take over what the PSP or the bank says."),
            ("write-off", "breaks:write_off_break", "Let the difference go."),
            ("assign", "breaks:assign_break", "Give one to somebody."),
            ("comment", "breaks:comment_break", "Say something about one."),
            ("reopen", "breaks:reopen_break", "Open one again, and take back what was booked."),
        ),
    ),
    (
        "wallets",
        "What sellers are owed, what stops their payouts, and their terms.",
        (
            ("show", "wallets:show_wallets", "Show a seller's wallets, last movements and holds."),
            ("hold", "wallets:place_hold", "Stop a seller's payouts, with a reason."),
            ("release", "wallets:release_hold", "Let them go on."),
            ("mature", "wallets:mature_sale", "Let a sale mature whose settlement never comes."),
            ("terms", "wallets:agree_on_terms", "Show a seller's terms, or agree on others."),
            ("write-off", "write_offs:write_off_debt", "Let go what a seller owes."),
        ),
    ),
    (
        "fees",
        "What the platform takes: plans, who has which, and how a fee came about.",
        (
            ("list", "fees:list_plans", "List the plans, and the fee without one."),
            ("show", "fees:show", "Show a plan's versions, or a seller's plans."),
            ("set", "fees:set_plan", "Set what a plan takes, from now on or later."),
            ("assign", "fees:assign", "Give a seller a plan, or take it away."),
            ("explain", "fees:explain", "Explain the fee on one order, step by step."),
            ("margin", "margins:margin", "Show what is left after the PSPs' costs."),
        ),
    ),
)
"""Commands that have commands of their own."""

_apps: Final = [app]
for _order, (_name, _help, _verbs) in enumerate(_GROUPS, start=len(_COMMANDS)):
    _apps.append(App(name=_name, help=_help, group=_MANAGE, sort_key=_order))
    for _verb, _where, _verb_help in _verbs:
        _apps[-1].command(f"{__name__}.{_where}", name=_verb, help=_verb_help)
    app.command(_apps[-1])


def main() -> NoReturn:
    """The entry point of ``clearhouse`` and ``python -m clearhouse``; exits with a stable code."""
    arguments = sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a sign gets a question mark, not an error.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    _tell_all_about(arguments)
    sys.exit(run_guarded(app, arguments, debug=bool(os.environ.get("CLEARHOUSE_DEBUG"))))


def _tell_all_about(arguments: Sequence[str]) -> None:
    """Give the chosen command its whole docstring as help.

    The list has one line of each only, since looking up the rest would import every command.
    """
    chosen = app
    for word in arguments:
        if word.startswith("-") or word not in chosen:
            break
        chosen = chosen[word]
    if chosen not in _apps:
        chosen.help = None
