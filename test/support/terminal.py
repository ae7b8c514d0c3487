"""Runs a command on a terminal of its own (a pty); what is written to stdin is what a person types."""
import os
import pty
import sys

status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
