"""Jupyter's server in front of the kernel: Notebook 7's pages, REST and websocket, as a JupyterHub runs it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
import uuid

import pytest
import websocket

PREFIX = "/user/ada/"  # what JupyterHub puts before every address
TOKEN = uuid.uuid4().hex


class Server:
    def __init__(self, folder, log):
        argv = [sys.executable, "-m", "notebook", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=0",
                f"--ServerApp.base_url={PREFIX}", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={folder}",
                "--MappingKernelManager.cull_idle_timeout=4", "--MappingKernelManager.cull_interval=1"]
        # JupyterHub's spawner: a session of its own, an environment that names the prefix, the user's folder.
        env = os.environ | {"JUPYTERHUB_SERVICE_PREFIX": PREFIX}
        self.log = open(log, "w+")
        self.process = subprocess.Popen(argv, cwd=folder, env=env, stdout=self.log, stderr=self.log, start_new_session=True)
        self.address = self.wait()

    def wait(self):
        runtime = os.environ["JUPYTER_RUNTIME_DIR"]
        for _ in range(600):
            assert self.process.poll() is None, self.text()
            try:
                with open(os.path.join(runtime, f"jpserver-{self.process.pid}.json")) as file:
                    url = json.load(file)["url"]
                urllib.request.urlopen(url + "api", timeout=30).close()  # the file is there before the server answers
                return url
            except (OSError, ValueError):
                time.sleep(0.1)
        raise AssertionError("Notebook does not start: " + self.text())

    def text(self):
        self.log.seek(0)
        return self.log.read()[-4000:]

    def request(self, path, content=None, method=None):
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(self.address + path, data, {"Authorization": "token " + TOKEN}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()

    def json(self, path, content=None):
        return json.loads(self.request(path, content)[1])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=20)
        self.log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    server = Server(folder, tmp_path_factory.mktemp("log") / "log")
    server.folder = folder
    yield server
    server.stop()


class Session:
    """A notebook's tab: a session by REST, its messages by websocket."""

    def __init__(self, server, name):
        asked = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "tlab"}}
        self.kernel = server.json("api/sessions", asked)["kernel"]["id"]
        address = server.address.replace("http", "ws", 1) + f"api/kernels/{self.kernel}/channels?token={TOKEN}"
        self.socket = websocket.create_connection(address, timeout=60)
        self.id = uuid.uuid4().hex

    def run(self, code):
        """Runs a cell; returns the reply's content and the contents of what came on iopub, by type."""
        asked = uuid.uuid4().hex
        header = {"msg_id": asked, "msg_type": "execute_request", "session": self.id, "username": "ada", "version": "5.3", "date": "2026-01-01T00:00:00Z"}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
        self.socket.send(json.dumps({"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}))
        reply, idle, found = None, False, {}
        while reply is None or not idle:
            message = json.loads(self.socket.recv())
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "execute_reply":
                reply = message["content"]
            idle = idle or message["content"].get("execution_state") == "idle"
            found.setdefault(message["msg_type"], []).append(message["content"])
        return reply, found


def test_pages(server):
    """Notebook 7 offers the kernel, with its pictures."""
    specs = server.json("api/kernelspecs")["kernelspecs"]
    assert specs["tlab"]["spec"]["display_name"] == "Go (Transfer Learning Lab)"
    assert set(specs["tlab"]["resources"]) == {"logo-32x32", "logo-64x64", "logo-svg"}
    for path, starts in [("logo-64x64.png", b"\x89PNG"), ("logo-32x32.png", b"\x89PNG"), ("logo-svg.svg", b"<svg")]:
        status, picture = server.request("kernelspecs/tlab/" + path)
        assert status == 200 and picture.startswith(starts)
    status, page = server.request("tree")
    assert status == 200 and b"Jupyter Notebook" in page or b"notebook" in page


def test_session(server):
    session = Session(server, "two.ipynb")
    reply, found = session.run("func twice(x int) int { return 2 * x }\n%%\nfmt.Println(\"first\")")
    assert reply["status"] == "ok" and found["stream"][0]["text"] == "first\n"
    reply, found = session.run("%%\nfmt.Println(\"twice:\", twice(21))")
    assert reply["status"] == "ok" and found["stream"][0]["text"] == "twice: 42\n"
    assert [s["execution_state"] for s in found["status"]] == ["busy", "idle"]
    reply, found = session.run('%%\npanic("no")')
    assert reply["status"] == "error" and "no" in found["error"][0]["evalue"]
    session.socket.close()


def test_wasm(server):
    """%wasm: the page gets a script, and the server serves the program, also below JupyterHub's prefix."""
    session = Session(server, "wasm.ipynb")
    reply, found = session.run('%wasm\nimport "syscall/js"\n%%\njs.Global().Get("document").Call("getElementById", GonbWasmDivId).Set("innerHTML", "hello")')
    assert reply["status"] == "ok", reply
    html, script = [next(iter(m["data"].values())) for m in found["display_data"]]
    assert [next(iter(m["data"])) for m in found["display_data"]] == ["text/html", "text/javascript"]
    starter = re.search(r'src="([^"]+)"', html).group(1)
    program = re.search(r'fetch\("([^"]+)"\)', script).group(1)
    assert starter.startswith(PREFIX + "files/") and program.startswith(PREFIX + "files/")
    status, text = server.request(starter.removeprefix(PREFIX))
    assert status == 200 and b"globalThis.Go" in text
    status, wasm = server.request(program.removeprefix(PREFIX))
    assert status == 200 and wasm.startswith(b"\0asm")
    # A cell after it is an ordinary program again.
    reply, found = session.run('%%\nfmt.Println("here")')
    assert reply["status"] == "ok" and found["stream"][0]["text"] == "here\n"
    session.socket.close()


def test_culling(server):
    """JupyterHub's servers end kernels that nobody looks at."""
    session = Session(server, "idle.ipynb")
    reply, _ = session.run('%%\nfmt.Println("once")')
    assert reply["status"] == "ok"
    assert session.kernel in [k["id"] for k in server.json("api/kernels")]
    session.socket.close()
    for _ in range(300):
        if session.kernel not in [k["id"] for k in server.json("api/kernels")]:
            return
        time.sleep(0.1)
    raise AssertionError("the kernel was not culled: " + server.text())
