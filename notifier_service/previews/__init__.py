"""Every kind and variant of mail and message as it will look, with today's brand and words, for operators.

`viewports` makes a mail's page as a browser shows it, `gallery` puts all of them on one page, `pages` serves that as
`/mails`; `tenure mails preview` writes the same into files.
"""
