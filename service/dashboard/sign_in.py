"""The page that asks for a key where the service needs one: plain HTML that runs no script."""

from html import escape
from urllib.parse import quote

from service.dashboard.paths import ROOT, SIGN_IN

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>Sign in · SVGe Search</title>
<link rel="stylesheet" href="{stylesheet}">
</head>
<body class="sign-in">
<main class="card">
<h1>SVGe Search</h1>
<p>This service needs a key. <code>svge keys create NAME --scope read</code> makes one; creating and closing studies takes the scope
<code>admin</code>.</p>
{problem}
<form method="post" action="{action}">
<label for="key">Key</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button class="button primary" type="submit">Sign in</button>
</form>
</main>
</body>
</html>
"""
"""The referrer policy lets the form say which site it comes from. Over plain HTTP browsers would name none, and it be refused."""
STYLESHEET = f"{ROOT}/assets/style.css"


def sign_in_page(target: str, problem: str | None) -> str:
    """The page; `target` is where it leads, `problem` why the last key was refused."""
    shown = f'<p class="problem" role="alert">{escape(problem)}</p>' if problem else ""
    return _PAGE.format(stylesheet=STYLESHEET, problem=shown, action=f"{SIGN_IN}?next={quote(target)}")
