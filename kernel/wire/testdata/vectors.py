"""Writes vectors.json: messages framed and signed by jupyter_client, the reference implementation.

Run with jupyter_client 8.10.0:  python vectors.py > vectors.json
"""
import base64
import datetime
import json

from jupyter_client.session import Session

KEY = b"a0436f6c-1916-498b-8eb9-e81ab9368e84"
DATE = datetime.datetime(2026, 11, 23, 9, 0, 0, 123456, tzinfo=datetime.timezone.utc)


def vector(name, key, msg_type, content, idents=(), parent=None, metadata=None, buffers=()):
    s = Session(key=key, session="5e551011", username="student")
    header = {
        "msg_id": "id-" + name, "session": "5e551011", "username": "student",
        "date": DATE, "msg_type": msg_type, "version": "5.4",
    }
    msg = s.msg(msg_type, content, header=header, parent=parent, metadata=metadata)
    frames = s.serialize(msg, ident=list(idents)) + list(buffers)
    return {
        "name": name, "key": key.decode(), "type": msg_type, "content": content,
        "parent": (parent or {}).get("msg_id", ""),
        "frames": [base64.b64encode(f).decode() for f in frames],
    }


print(json.dumps([
    vector("kernel_info", KEY, "kernel_info_request", {}),
    vector("execute", KEY, "execute_request",
           {"code": "%%\nfmt.Println(\"α ≤ 1/3 — naïve\")", "silent": False, "store_history": True,
            "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}, idents=[b"\x00router\xff"]),
    vector("stream", KEY, "stream", {"name": "stdout", "text": "epoch 1\r\n\u2028"}, idents=[b"kernel.1.stream"],
           parent={"msg_id": "id-execute", "session": "5e551011", "username": "student", "date": DATE,
                   "msg_type": "execute_request", "version": "5.4"}),
    vector("two_identities", KEY, "execute_reply", {"status": "ok", "execution_count": 3}, idents=[b"a", b"b"],
           metadata={"started": "2026-11-23"}),
    vector("buffers", KEY, "comm_msg", {"comm_id": "c", "data": {}}, buffers=[b"\x00\x01\x02", b"<IDS|MSG>"]),
    vector("unsigned", b"", "status", {"execution_state": "idle"}),
], indent=1, ensure_ascii=True))
