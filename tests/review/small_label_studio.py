"""A Label Studio as small as the everyday tests need it; tests/e2e/review asks the real one the same things."""

import json
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "0123456789abcdef0123456789abcdef01234567"


class SmallLabelStudio(ThreadingHTTPServer):
    """Projects, tasks and backends in memory; ``broken`` is what it answers instead.

    ``export`` is what it exports of every project, ``exports`` of some; ``files`` holds what was uploaded, by where
    readers find it, and ``requests`` how many bytes each upload had. Nothing can be deleted.
    """

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.projects, self.tasks, self.backends, self.export = {}, {}, [], []
        self.exports, self.files, self.requests = {}, {}, []
        self.broken = None
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Answers(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self):
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.broken:
            return self.send(*self.server.broken)
        if url.path == "/api/token/refresh/":
            known = json.loads(body)["refresh"] == "a.b.c"
            return self.send(200, {"access": "short"}) if known else self.send(401, {})
        if self.headers["Authorization"] not in (f"Token {TOKEN}", "Bearer short"):
            return self.send(401, {})
        path = url.path.strip("/").split("/")[1:]
        if self.headers.get_content_type() == "multipart/form-data":
            return self.send(201, self.upload(self.server, path[1], body))
        found = self.content(path, parse_qs(url.query), json.loads(body or b"null"))
        return self.send(404, {}) if found is None else self.send(200, found)

    do_GET = do_POST = do_PATCH = answer  # noqa: N815

    def content(self, path, query, body):
        act = {"GET": self.get, "POST": self.post, "PATCH": self.patch}[self.command]
        return act(self.server, path, query if self.command == "GET" else body)

    def get(self, server, path, query):
        match path:
            case ["projects"]:
                return {"count": len(server.projects), "results": list(server.projects.values())}
            case ["projects", number, "export"]:
                return server.exports.get(int(number), server.export)
            case ["projects", number] if int(number) in server.projects:
                counts = dict.fromkeys(("task_number", "total_predictions_number"), len(server.tasks))
                return {**server.projects[int(number)], **counts}
            case ["tasks"]:
                start = 50 * (int(query["page"][0]) - 1)
                return {"total": len(server.tasks), "tasks": list(server.tasks.values())[start : start + 50]}
            case ["predictions"]:
                tasks = [server.tasks[int(query["task"][0])]] if "task" in query else server.tasks.values()
                return [each for task in tasks for each in task["predictions"]]
            case ["projects", number, "file-uploads"]:
                urls = [url for url in server.files if url.startswith(f"/data/upload/{number}/")]
                wanted = json.loads(query["ids"][0])
                return [{"file": url.removeprefix("/data/")} for place, url in enumerate(urls) if place in wanted]
            case ["ml"]:
                return server.backends
        return None

    def upload(self, server, number, body):
        server.requests.append(len(body))
        form = message_from_bytes(f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode() + body)
        for part in form.get_payload():
            name = f"{len(server.files):08x}-{part.get_filename()}"
            server.files[f"/data/upload/{number}/{name}"] = part.get_payload(decode=True)
        there = [url for url in server.files if url.startswith(f"/data/upload/{number}/")]
        return {"file_upload_ids": list(range(len(there)))[-len(form.get_payload()) :]}

    def post(self, server, path, body):
        if path == ["projects"]:
            number = len(server.projects) + 1
            counts = dict.fromkeys(("num_tasks_with_annotations", "total_annotations_number"), 0)
            server.projects[number] = {"id": number, **body, **counts}
            return server.projects[number]
        if path == ["ml"]:
            server.backends.append({"id": len(server.backends) + 1, **body})
            return server.backends[-1]
        if path == ["predictions"]:
            task = server.tasks[body["task"]]
            task["predictions"].append({"id": 100 * task["id"] + len(task["predictions"]), **body})
            return task["predictions"][-1]
        for task in body:
            number = max(server.tasks, default=0) + 1
            server.tasks[number] = {"id": number, "total_annotations": 0, "data": task["data"], "predictions": []}
            for prediction in task["predictions"]:
                self.post(server, ["predictions"], {**prediction, "task": number})
        return {}

    def patch(self, server, path, body):
        if path[0] == "ml":
            if self.path.endswith("/"):  # as on the real one
                return None
            server.backends[int(path[1]) - 1] |= body
            return body
        what = server.projects if path[0] == "projects" else server.tasks
        what[int(path[1])] |= body
        return {}

    def send(self, status, content):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
