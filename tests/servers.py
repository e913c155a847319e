"""Throwaway servers, and psql connected to one, for the scripts that compare cairn with PostgreSQL.

A server is named by `postgres` (a new cluster of Debian's PostgreSQL 15), by the path of a cairn program, or by a
URL of one that runs already. Those of our own are prepared once and begin each script from a copy of that.
"""

import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from urllib.parse import urlparse

POSTGRES_BIN = "/usr/lib/postgresql/15/bin"
START_TIMEOUT_S = 60
# psql prints it when a statement is done.
MARKER = "=== done"
# psql says so of the end of COPY data when the COPY had failed already.
NO_COPY = "invalid command \\."


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(port):
    started = time.monotonic()
    while time.monotonic() - started < START_TIMEOUT_S:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise SystemExit(f"no server on port {port}")


class Running:
    """A server that others started. It is used as it is."""

    def __init__(self, url):
        parts = urlparse(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 5432
        self.user, self.database = parts.username or "postgres", parts.path.strip("/") or "postgres"

    def save(self):
        """Keeps what is there now, for `reset`."""

    def reset(self):
        """Back to what was saved."""

    def revive(self):
        """Starts a server that has died. True if it had."""
        return False

    def stop(self):
        """Ends it, if it is ours."""


class Cairn(Running):
    """A cairn on a directory of its own."""

    def __init__(self, program):
        self.program = program
        self.dir = tempfile.mkdtemp(prefix="regress")
        self.data, self.saved = os.path.join(self.dir, "data"), os.path.join(self.dir, "saved")
        self.start()

    def start(self):
        port = free_port()
        super().__init__(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        arguments = ["start", "--cache-mib", "128", "--listen", f"127.0.0.1:{port}", "--data-dir", self.data]
        log = open(os.path.join(self.dir, "log"), "a")
        self.process = subprocess.Popen([self.program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(port)

    def end(self, signal_number):
        self.process.send_signal(signal_number)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def save(self):
        self.end(signal.SIGTERM)
        shutil.copytree(self.data, self.saved)
        self.start()

    def reset(self):
        self.end(signal.SIGKILL)
        shutil.rmtree(self.data)
        shutil.copytree(self.saved, self.data)
        self.start()

    def revive(self):
        if self.process.poll() is None:
            return False
        self.start()
        return True

    def stop(self):
        self.end(signal.SIGKILL)
        shutil.rmtree(self.dir, ignore_errors=True)


class Postgres(Running):
    """A cluster of PostgreSQL 15, whose database `postgres` is made anew for each script."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="regress")
        os.chmod(self.dir, 0o777)
        self.data = os.path.join(self.dir, "data")
        port = free_port()
        super().__init__(f"postgresql://postgres@127.0.0.1:{port}/postgres")
        self.run("initdb", "-A", "trust", "-U", "postgres", "--no-locale", "-E", "UTF8", "-D", self.data)
        options = f"-p {port} -k {self.dir} -c fsync=off -c autovacuum=off -c max_prepared_transactions=2"
        self.run("pg_ctl", "-w", "-o", options, "-l", os.path.join(self.dir, "log"), "-D", self.data, "start")

    def run(self, program, *arguments):
        # PostgreSQL refuses to run as root, so root runs it as the user of Debian's package.
        user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*user, os.path.join(POSTGRES_BIN, program), *arguments]
        subprocess.run(command, cwd="/", check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def execute(self, *statements):
        """Runs them as the superuser; the rows of the last."""
        command = ["psql", "-X", "-q", "-A", "-t", "-h", self.host, "-p", str(self.port), "-U", self.user, "-d", "template1"]
        command += ["-v", "ON_ERROR_STOP=1", *(part for statement in statements for part in ("-c", statement))]
        done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return done.stdout.split()

    def save(self):
        self.execute("ALTER DATABASE postgres RENAME TO saved")
        self.reset()

    def reset(self):
        roles = self.execute(
            "DROP DATABASE IF EXISTS postgres WITH (FORCE)",
            "CREATE DATABASE postgres TEMPLATE saved",
            "SELECT rolname FROM pg_roles WHERE rolname LIKE 'regress%'",
        )
        for role in roles:
            self.execute(f'DROP ROLE "{role}"')

    def stop(self):
        self.run("pg_ctl", "-m", "immediate", "-D", self.data, "stop")
        shutil.rmtree(self.dir, ignore_errors=True)


def server(name):
    """Starts or names one."""
    if name == "postgres":
        return Postgres()
    if name.startswith(("postgresql://", "postgres://")):
        return Running(name)
    if os.access(name, os.X_OK):
        return Cairn(name)
    raise SystemExit(f"{name} is no program and no URL")


class Psql:
    """psql on a pipe, one statement at a time. It starts again when it has ended."""

    def __init__(self, on, environment, limit_s, arguments=()):
        self.server, self.environment, self.limit_s, self.arguments = on, environment, limit_s, arguments
        self.process = None
        self.hangs = self.crashes = 0

    def connect(self):
        on = self.server
        command = ["psql", "-X", "-q", "-h", on.host, "-p", str(on.port), "-U", on.user, "-d", on.database]
        command += ["-v", "VERBOSITY=verbose", *self.arguments]
        # Nothing from the caller's environment may change what psql sends or prints.
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PSQL", "LC_"))}
        # The server's limit is to come first, as it leaves the session in place.
        given = self.environment.get("PGOPTIONS", "")
        settings = {"LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10"}
        settings |= self.environment | {"PGOPTIONS": f"{given} -c statement_timeout={self.limit_s}s"}
        pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.process = subprocess.Popen(command, env=clean | settings, **pipes)

    def run(self, text):
        """What psql prints for a statement and its backslash commands."""
        if self.process is None:
            self.connect()
        try:
            self.process.stdin.write(f"{text}\n\\echo {MARKER}\n".encode())
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        output, deadline = b"", time.monotonic() + self.limit_s + 5
        end = f"{MARKER}\n".encode()
        while not output.endswith(end):
            remaining = deadline - time.monotonic()
            if remaining <= 0 or not select.select([self.process.stdout], [], [], remaining)[0]:
                self.hangs += 1
                output += f"no answer within {self.limit_s + 5} s\n".encode()
                self.close()
                break
            more = os.read(self.process.stdout.fileno(), 1 << 16)
            if not more:
                # psql ends with its connection; a script that says \q is not among those that are run.
                self.close()
                self.crashes += self.server.revive()
                break
            output += more
        lines = output.removesuffix(end).decode(errors="replace").split("\n")
        return "\n".join(line for line in lines if not line.startswith("LOCATION:") and line != NO_COPY).rstrip("\n")

    def close(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
            self.process = None
