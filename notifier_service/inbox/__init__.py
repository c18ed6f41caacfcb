"""The recipient's side: internal messages over HTTP, their live stream, and preferences.

`api` has the routes, `shapes` their JSON documents, `stream` the Server-Sent Events; `actions` and `listing` are for
the page of `pages.inbox` too. SQL is in `storage`.
"""
