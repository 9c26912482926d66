"""How a study stands: its numbers at the top of its page, who works for it, and what happened last."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from service.dashboard.paths import trial_path
from service.dashboard.visit import here
from service.dashboard.widgets import Content, badge, card, figures, moment, notice, progress_bar, table
from service.dashboard.wording import STATE_WORDS, count, goal, number, plural, remaining, status, value_name
from service.storage.overview import Event
from service.storage.values import Trial, TrialState
from service.studies import overview
from service.studies.overview import Pulse

_MOST_LEASES = 100
_MOST_EVENTS = 12
_ASK = '{"study": "%s", "worker": "gpu-1"}'


def badges(pulse: Pulse) -> list[Component]:
    study = pulse.summary.study
    running = pulse.summary.counts.get(TrialState.RUNNING, 0)
    state = status(study, running)
    return [badge(state, state), badge(study.settings.space), badge(study.settings.strategy), badge(goal(study.settings))]


def overview_figures(pulse: Pulse) -> Component:
    """The numbers that tell how far a study is and whether it is well."""
    summary, counts = pulse.summary, pulse.summary.counts
    completed, limit = counts.get(TrialState.COMPLETED, 0), summary.study.settings.max_trials
    made = summary.study.trials_created
    lost = counts.get(TrialState.FAILED, 0) + counts.get(TrialState.INFEASIBLE, 0)
    budget: list[Content] = [count(completed)]
    if limit is not None:
        budget = [f"{count(completed)} ", html.Small(f"of {count(limit)}"), progress_bar(made, limit, "Trials made of the budget")]
    return figures(
        (f"Best {value_name(summary.study.settings)}", number(summary.best_value)),
        ("Completed", budget),
        ("Running", count(counts.get(TrialState.RUNNING, 0))),
        ("Waiting", count(counts.get(TrialState.WAITING, 0))),
        ("Failed or infeasible", html.Span(_share(lost, made), className="warn" if lost and lost >= made / 4 else "")),
        ("Stopped early", count(counts.get(TrialState.STOPPED, 0))),
        ("Last activity", moment(pulse.last.at if pulse.last else None, pulse.now)),
    )


async def activity(pulse: Pulse) -> list[Component]:
    """The cards with the leases and with what happened last."""
    name = pulse.summary.study.name
    held = await overview.listing(here(), name, TrialState.RUNNING, "oldest", 0, _MOST_LEASES)
    events = await overview.events(here(), name, _MOST_EVENTS)
    caption = None if held.size <= _MOST_LEASES else f"The {_MOST_LEASES} oldest of {count(held.size)} leases."
    workers = len({trial.worker for trial in held.trials})
    title = f"Workers and leases ({plural(workers, 'worker')})" if held.trials else "Workers and leases"
    nobody = notice(["Nobody works for this study now. A trainer asks with ", html.Code("POST /suggest " + _ASK % name), "."])
    nothing = notice("Nothing has happened yet.")
    return [
        card(title, _leases(held.trials, pulse) if held.trials else nobody, caption=caption),
        card("Last events", _events(events, pulse) if events else nothing),
    ]


def _leases(held: Sequence[Trial], pulse: Pulse) -> Component:
    rows = [
        (
            trial.worker or "",
            dcc.Link(f"#{trial.number}", href=trial_path(trial.id)),
            str(trial.attempt),
            remaining(trial.lease_expires_at, pulse.now),
        )
        for trial in held
    ]
    return table(["Worker", "Trial", "Attempt", "Lease"], rows, "Workers and leases", numeric=[2])


def _events(events: list[Event], pulse: Pulse) -> Component:
    items = []
    for event in events:
        what: list[Content] = [dcc.Link(f"Trial #{event.number}", href=trial_path(event.trial)), f" {STATE_WORDS[event.state]}"]
        what += [f": {number(event.value)}"] if event.value is not None else []
        what += [f" ({event.worker})"] if event.worker else []
        what += [html.Small(f" {event.reason}")] if event.reason else []
        items.append(html.Li([html.Span(what), moment(event.at, pulse.now)]))
    return html.Ol(items, className="events")


def _share(part: int, whole: int) -> str:
    return f"{count(part)} ({part / whole:.0%})" if part else "0"
