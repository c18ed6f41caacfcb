"""The notifier: reads the subscription lifecycle, sends emails and stores internal messages.

`app` puts it together; `handlers` is the registry of what is done with each record, `batch` runs it.
"""
