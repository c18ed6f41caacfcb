"""The recipient's pages: readable without JavaScript, one request each, nothing from another host.

`layout` renders them on `templates/layout.html` and gives each its Content-Security-Policy, `session` opens them by the
link of an email or by a token, `reader` says in which language. `assets` holds style and scripts, as browsers get them.
"""
