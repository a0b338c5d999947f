"""How programs other than Jupyter's own start, restart and end a kernel."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid

import psutil
import pytest
from jupyter_client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

TIMEOUT = 60  # the first build of a machine may be slow


def run(client, code):
    """Runs a cell; returns the reply's content and what was printed."""
    text = []

    def hook(message):
        if message["msg_type"] == "stream":
            text.append(message["content"]["text"])

    reply = client.execute_interactive(code, timeout=TIMEOUT, output_hook=hook, allow_stdin=False)
    return reply["content"], "".join(text)


def descendants(pid):
    """The processes below pid, as `pidtree` finds them for VS Code."""
    return {child.pid for child in psutil.Process(pid).children(recursive=True)}


def wait_until(true, seconds, what):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Raw:
    """A kernel as VS Code starts one: its own ports and connection file, no jupyter_client around the process."""

    def __init__(self, folder, cwd, env):
        spec = KernelSpecManager().get_kernel_spec("tlab")
        assert spec.interrupt_mode == "message"
        sockets = [socket.socket() for _ in range(5)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        ports = [s.getsockname()[1] for s in sockets]
        for s in sockets:
            s.close()
        self.connection = dict(zip(["shell_port", "iopub_port", "stdin_port", "control_port", "hb_port"], ports))
        self.connection |= {"version": 1, "transport": "tcp", "ip": "127.0.0.1", "signature_scheme": "hmac-sha256", "key": str(uuid.uuid4())}
        self.file = folder / f"kernel-v2-{uuid.uuid4()}.json"
        self.file.write_text(json.dumps(self.connection))
        argv = [a.replace("{connection_file}", str(self.file)) for a in spec.argv]
        self.process = subprocess.Popen(argv, cwd=cwd, env=env | spec.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name in ["shell_port", "iopub_port"]:
            wait_until(lambda: self.used(self.connection[name]), 20, f"the {name} is not listened on")
        self.client = BlockingKernelClient()
        self.client.load_connection_info(self.connection)
        self.client.start_channels()
        self.client.wait_for_ready(timeout=TIMEOUT)

    def used(self, port):
        """VS Code knocks at each port before it speaks."""
        assert self.process.poll() is None, "the kernel ended"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
        return False

    def dispose(self):
        """First the children, then the kernel, then the file: `dispose` of VS Code's KernelProcess."""
        pid = self.process.pid
        family = descendants(pid) | {pid}
        self.client.stop_channels()
        for child in family - {pid}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGTERM)
        self.process.terminate()
        self.file.unlink()
        self.process.wait(timeout=10)
        wait_until(lambda: not any(map(alive, family)), 5, "processes are left")


@pytest.fixture
def bare(tmp_path_factory):
    """The environment of a program that was started from a desktop's menu."""
    return {"HOME": os.environ["HOME"], "TMPDIR": os.environ["TMPDIR"], "TLAB_MARK": os.environ["TLAB_MARK"]}


def test_vscode(tmp_path, bare):
    """Its own folder, no environment, a restart that is another process, an interrupt that is a message."""
    (tmp_path / "beside.txt").write_text("beside the notebook")
    kernel = Raw(tmp_path, tmp_path, bare)
    reply, text = run(kernel.client, '%%\nb, _ := os.ReadFile("beside.txt")\nfmt.Println(string(b))')
    assert (reply["status"], text) == ("ok", "beside the notebook\n")

    def completed():
        return "Sprintln" in kernel.client.complete("%%\nfmt.Sprintl", reply=True, timeout=TIMEOUT)["content"]["matches"]

    wait_until(completed, TIMEOUT, "nothing is completed")  # gopls reads the module first

    endless = kernel.client.execute('%%\nfmt.Println("begun")\nfor {\n\ttime.Sleep(time.Second)\n}')
    while kernel.client.get_iopub_msg(timeout=TIMEOUT)["content"].get("text") != "begun\n":
        pass
    interrupt = kernel.client.session.msg("interrupt_request", {})
    kernel.client.control_channel.send(interrupt)
    assert kernel.client.control_channel.get_msg(timeout=10)["msg_type"] == "interrupt_reply"
    reply = kernel.client.get_shell_msg(timeout=10)
    assert (reply["parent_header"]["msg_id"], reply["content"]["status"]) == (endless, "error")

    again = Raw(tmp_path, tmp_path, bare)
    kernel.dispose()
    reply, text = run(again.client, '%%\nfmt.Println("again")')
    assert (reply["status"], text) == ("ok", "again\n")
    again.dispose()


def test_offline_without_environment(tmp_path, bare):
    """A lesson's verb where the Go proxy is off and nothing of the shell that installed the kernel is there."""
    kernel = Raw(tmp_path, "/", bare | {"GOPROXY": "off", "GOFLAGS": ""})
    code = 'import "transferlab/tl"\n%%\nfmt.Println(tl.Must(tl.Load("efficientnet_lite0").Summary(context.Background())))'
    reply, text = run(kernel.client, code)
    assert reply["status"] == "ok", reply
    assert "total 3,371,008" in text
    kernel.dispose()


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_restart_on_the_same_connection(tmp_path, transport):
    """jupyter_client kills a kernel and starts its successor on the same ports, or on the same sockets' names."""
    manager = KernelManager(kernel_name="tlab", transport=transport)
    if transport == "ipc":
        manager.ip = str(tmp_path / "k")
    manager.start_kernel(cwd=str(tmp_path))
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT)
        reply, _ = run(client, "func kept() int { return 1 }")
        assert reply["status"] == "ok"
        file, before = manager.connection_file, manager.provisioner.pid
        for now in [True, False]:  # SIGKILL, and a polite shutdown_request
            manager.restart_kernel(now=now)
            client.wait_for_ready(timeout=TIMEOUT)
            assert manager.connection_file == file and manager.provisioner.pid != before
            reply, text = run(client, '%%\nfmt.Println("restarted")')
            assert (reply["status"], text) == ("ok", "restarted\n")
            reply, _ = run(client, "%%\nfmt.Println(kept())")
            assert reply["status"] == "error", "a declaration outlived the restart"
    finally:
        client.stop_channels()
        manager.shutdown_kernel()
    assert not os.path.exists(file)
    assert list(tmp_path.iterdir()) == [], "sockets are left"


CLIENT = """
import sys, time
from jupyter_client.manager import KernelManager
m = KernelManager(kernel_name="tlab")
m.start_kernel(stdout=2)
c = m.client()
c.start_channels()
c.wait_for_ready(timeout=60)
print(m.provisioner.pid, flush=True)
time.sleep(600)
"""


def test_client_is_killed():
    """A server that the machine's memory guard kills says no goodbye; its kernels must not stay for ever."""
    client = subprocess.Popen([sys.executable, "-c", CLIENT], stdout=subprocess.PIPE, text=True)
    kernel = int(client.stdout.readline())
    family = descendants(kernel) | {kernel}
    client.kill()
    client.wait()
    wait_until(lambda: not any(map(alive, family)), 10, "the kernel outlives its front end")
