"""What Poststelle does when it is told to: one function per command, values in, frozen values out.

The command line prints what these return; a web page will call the same functions. Permission is decided
here and below, never in the printer.
"""
