"""What notifications contain. Pure, but for the catalogs and templates, which are read at start, and a mail's `Date`.

`mail_composer` is the way in for emails and `render.inbox_message` for internal messages; `messages` has the content of
each kind of event, `locale` the sentences in each language.
"""
