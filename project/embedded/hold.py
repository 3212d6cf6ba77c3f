"""Print the variables that the runner set, as one line of JSON, and stay until stdin closes.

This is the command under which `runner.servers` keeps the parts alive: when the process that
asked for them ends, however it ends, its end of the pipe closes.
"""

import json
import os
import sys

from project.embedded.variables import VARIABLES

if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: os.environ[name] for name in VARIABLES & os.environ.keys()}))
    sys.stdout.write("\n")
    sys.stdout.flush()
    sys.stdin.read()
