"""The grading process's side of a real ipykernel, over local sockets in the kernel's own folder."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from queue import Empty
from typing import Any

import zmq
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.session import Session
from nbval.kernel import RunningKernel

from actgrade.sandbox import wire
from actgrade.sandbox.ipython_kernel import ROLE_KEY
from actgrade.sandbox.kernel import Contained
from actgrade.sandbox.launcher import Launcher, configuration
from actgrade.sandbox.lost import SECONDS_TO_DRAIN, KernelLost
from actgrade.sandbox.process import START_SECONDS

PORTS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
IOPUB_KINDS = ("stream", "display_data", "execute_result", "error", "status")


class JupyterKernel(Contained, RunningKernel):
    """nbval's kernel with ours behind it: it sees death and floods at once.

    Args:
        launcher: where processes come from.
        forbid: dotted names that code of the role ``answer`` may not use.
        absent: modules that are not there, for any code.
    """

    def __init__(
        self, launcher: Launcher, forbid: Sequence[str] = (), absent: Sequence[str] = ()
    ) -> None:
        Contained.__init__(self, launcher, absent)  # nbval's own would start another kernel
        self._size = 0
        self.kc: BlockingKernelClient | None = None
        try:
            self._connect(forbid, absent)
        except BaseException:
            self.stop()
            raise

    def _connect(self, forbid: Sequence[str], absent: Sequence[str]) -> None:
        session = Session(key=Session().session.encode())
        connection: Any = {
            "transport": "ipc",
            "ip": str(self._scratch / "k"),
            "key": session.key.decode(),
            "signature_scheme": session.signature_scheme,
            **{name: number for number, name in enumerate(PORTS, start=1)},
        }
        file = self._scratch / "connection.json"
        file.write_text(json.dumps(connection))
        wire.write_all(
            self._process.write_to,
            configuration(self._launcher, self._scratch, forbid, absent, connection=str(file)),
        )
        self._await_ready()
        self.kc = BlockingKernelClient(session=session)
        self.kc.load_connection_info(connection)
        # A client takes messages as fast as they come, but never one larger than this.
        self.kc.context.setsockopt(zmq.MAXMSGSIZE, 4 * self._most)
        self.kc.start_channels(stdin=False, hb=False, control=False)
        self._ensure_iopub_up()

    def _await_ready(self) -> None:
        poller = zmq.Poller()
        poller.register(self._process.read_from, zmq.POLLIN)
        if not poller.poll(int(START_SECONDS * 1000)):
            raise KernelLost("start", "it did not come up")
        try:
            body = wire.read_frame(self._process.read_from, 4096)
            if body is None:
                raise KernelLost("start", "it ended before it came up")
            kind, _, content = wire.message(wire.load(body))
        except (OSError, wire.WireError) as error:
            raise KernelLost("start", str(error)) from None
        if kind != "ready":
            raise KernelLost("start", content.get("reason", "it did not come up"))
        self._launcher.admit(self._process, content["isolation"])

    # What nbval calls ------------------------------------------------------------------------

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send one cell, of the role that was announced; return the id of the request."""
        assert self.kc is not None
        content = {
            "code": cell_input,
            "silent": False,
            "store_history": False,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        metadata = {ROLE_KEY: self._role()}
        message = self.kc.session.msg("execute_request", content, metadata=metadata)
        self.kc.shell_channel.send(message)
        return message["header"]["msg_id"]

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """The next message of one channel."""
        limit = self._deadline if stream == "shell" else self._drain_end
        end = time.monotonic() + (timeout if timeout is not None else 1e9)
        end = end if limit is None else min(end, limit)
        # Also when there is something to take: messages that never end must not keep us.
        while time.monotonic() <= end:
            if stream == "iopub" and self._waiting:
                return self._waiting.popleft()
            if self._take(end, shell_too=stream == "shell"):
                assert self.kc is not None
                return self.kc.get_shell_msg(timeout=0)
        raise Empty

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """As nbval's, with the grader's own limit where none is given."""
        limit = self._launcher.limits.cell_seconds if timeout is None else timeout
        self._drain_end = None
        super().await_reply(msg_id, limit)
        self._look_at_what_is_left()
        self._size = 0
        self._drain_end = time.monotonic() + SECONDS_TO_DRAIN

    # What the grader adds --------------------------------------------------------------------

    def _disconnect(self) -> None:
        if self.kc is not None:
            self.kc.stop_channels()
            self.kc.context.destroy(linger=0)

    def _take(self, end: float, *, shell_too: bool) -> bool:
        """Wait for something to happen and keep what was published; whether a reply is there."""
        if self._lost is not None:
            raise self._lost
        assert self.kc is not None
        shell, iopub = self.kc.shell_channel.socket, self.kc.iopub_channel.socket
        poller = zmq.Poller()
        # A reply that nobody waits for yet stays where it is.
        for thing in (*([shell] * shell_too), iopub, self._process.read_from):
            poller.register(thing, zmq.POLLIN)
        events = dict(poller.poll(math.ceil(max(0.0, end - time.monotonic()) * 1000)))
        if not events:
            raise Empty
        while iopub in events and iopub.poll(0):
            self._keep(iopub)
        if shell in events:
            return True
        if iopub not in events:
            # Nothing is sent on this descriptor after the start: it is its end, or an attempt.
            raise self._lose(KernelLost("crash", "the process ended"))
        return False

    def _keep(self, iopub: Any) -> None:
        """Read one published message, if it is one."""
        assert self.kc is not None
        parts = iopub.recv_multipart()
        self._size += sum(map(len, parts))
        if self._size > self._most + 65536:
            raise self._lose(KernelLost("output", "it prints too much"))
        try:
            _, parts = self.kc.session.feed_identities(parts)
            message = self.kc.session.deserialize(parts)
            kind, content = message["msg_type"], message["content"]
            parent = {"msg_id": str(message["parent_header"].get("msg_id"))}
            if kind not in IOPUB_KINDS:
                return
            if kind == "status":
                content = {"execution_state": str(content["execution_state"])}
            else:
                content = wire.message({**content, "type": kind, "parent": ""})[2]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, wire.WireError):
            return  # unsigned, repeated or no message at all: as if it had not been sent
        self._waiting.append({"msg_type": kind, "parent_header": parent, "content": content})
