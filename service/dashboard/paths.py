"""The addresses of the dashboard's pages."""

from urllib.parse import quote, urlencode

ROOT = "/dashboard"
SIGN_IN = f"{ROOT}/sign-in"
SIGN_OUT = f"{ROOT}/sign-out"


def studies_path() -> str:
    return f"{ROOT}/"


def study_path(name: str) -> str:
    return f"{ROOT}/studies/{quote(name, safe='')}"


def map_path(name: str) -> str:
    return f"{study_path(name)}/map"


def trial_path(trial_id: str) -> str:
    return f"{ROOT}/trials/{quote(trial_id, safe='')}"


def compare_path(**chosen: list[str]) -> str:
    """The page that compares `studies` or `trials`, each a list of names."""
    query = urlencode({kind: ",".join(names) for kind, names in chosen.items() if names})
    return f"{ROOT}/compare" + (f"?{query}" if query else "")
