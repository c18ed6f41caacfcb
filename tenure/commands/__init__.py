"""The commands of `tenure`, one module each: it parses the command line, calls what does the work, and prints.

`options` holds the options that several commands have; `failures` turns expected errors into one sentence and an exit
code.
"""
