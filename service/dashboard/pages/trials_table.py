"""The trials of a study in a table that asks for the rows it shows and no others, however many there are."""

from typing import Any

import dash_ag_grid as dag
from dash import ClientsideFunction, Dash, Input, Output, State, html
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from service.dashboard.paths import trial_path
from service.dashboard.visit import here
from service.dashboard.widgets import choice
from service.dashboard.wording import instant, number, with_deviation
from service.storage.overview import Order
from service.storage.values import Trial, TrialState
from service.studies import overview

PAGE = 100
ORDERS: list[tuple[str, Order]] = [
    ("newest first", "newest"),
    ("oldest first", "oldest"),
    ("highest value first", "highest"),
    ("lowest value first", "lowest"),
]
_THEME = (
    "themeQuartz.withParams({backgroundColor: 'var(--surface)', foregroundColor: 'var(--ink)', borderColor: 'var(--line)', "
    "headerBackgroundColor: 'var(--page)', headerTextColor: 'var(--muted)', rowHoverColor: 'var(--hover)', "
    "accentColor: 'var(--accent)', fontFamily: 'inherit', fontSize: 13, rowHeight: 36, headerHeight: 38, wrapperBorder: false})"
)
_NUMBER = {"type": "rightAligned"}
_COLUMNS: list[dict[str, Any]] = [
    {"field": "number", "headerName": "Trial", "cellRenderer": "TrialLink", "minWidth": 90, "maxWidth": 90, "pinned": "left"},
    {"field": "state", "headerName": "State", "minWidth": 110},
    {"field": "value", "headerName": "Value", "minWidth": 105, **_NUMBER},
    {"field": "predicted", "headerName": "Predicted", "minWidth": 160, **_NUMBER},
    {"field": "source", "headerName": "Source", "minWidth": 115},
    {"field": "nodes", "headerName": "Nodes", "minWidth": 80, **_NUMBER},
    {"field": "edges", "headerName": "Edges", "minWidth": 80, **_NUMBER},
    {"field": "worker", "headerName": "Worker", "minWidth": 105},
    {"field": "attempt", "headerName": "Attempt", "minWidth": 95, **_NUMBER},
    {"field": "finished", "headerName": "Finished", "minWidth": 200},
]


def filters() -> Component:
    states = [("all states", "all"), *((state.value, state.value) for state in TrialState)]
    return html.Div(
        [
            choice("trial-state", states, "all", "State"),
            choice("trial-order", [(text, key) for text, key in ORDERS], "newest", "Order"),
        ],
        className="filters",
    )


def grid() -> Component:
    return dag.AgGrid(
        id="trials",
        columnDefs=_COLUMNS,
        defaultColDef={"sortable": False, "resizable": True, "flex": 1},
        rowModelType="infinite",
        getRowId="params.data.id",
        dashGridOptions={
            "theme": {"function": _THEME},
            "cacheBlockSize": PAGE,
            "maxBlocksInCache": 10,
            "infiniteInitialRowCount": 1,
            "suppressCellFocus": False,
        },
        style={"height": "420px", "minWidth": "100%"},
    )


def register(app: Dash) -> None:
    answer, request = Output("trials", "getRowsResponse"), Input("trials", "getRowsRequest")
    states = (State("trial-state", "value"), State("trial-order", "value"), State("study", "data"))
    app.callback(answer, request, *states, prevent_initial_call=True)(rows)
    again = ClientsideFunction("svge", "refreshTable")
    inputs = (Input("change", "data"), Input("trial-state", "value"), Input("trial-order", "value"))
    app.clientside_callback(again, Output("told", "className"), *inputs, prevent_initial_call=True)


async def rows(request: dict[str, Any] | None, state: str, order: Order, name: str) -> dict[str, Any]:
    """The rows from `startRow` to before `endRow` of a request, and how many there are in all."""
    if request is None:
        raise PreventUpdate
    start, end = int(request["startRow"]), int(request["endRow"])
    only = None if state == "all" else TrialState(state)
    found = await overview.listing(here(), name, only, order, start, min(end - start, here().settings.max_page))
    return {"rowData": [row_of(trial) for trial in found.trials], "rowCount": found.size}


def row_of(trial: Trial) -> dict[str, Any]:
    return {
        "id": trial.id,
        "href": trial_path(trial.id),
        "number": trial.number,
        "state": trial.state.value,
        "value": number(trial.value),
        "predicted": with_deviation(trial.origin.predicted_mean, trial.origin.predicted_std),
        "source": trial.origin.source,
        "nodes": trial.architecture.num_nodes,
        "edges": len(trial.architecture.edges),
        "worker": trial.worker or "",
        "attempt": trial.attempt,
        "finished": instant(trial.finished_at),
    }
