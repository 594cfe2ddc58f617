"""A person's browser, spoken by hand: one host name, its cookies, and the fields that a browser sends by itself."""
import http.client
import json
import urllib.parse


class Visitor:
    """Visits one session's origin. `open` is what the page behind a personal link does."""

    def __init__(self, link):
        parts = urllib.parse.urlsplit(link)
        self.link, self.origin = link, f"{parts.scheme}://{parts.netloc}"
        self.host, self.port, self.secret = parts.netloc, parts.port, parts.fragment
        self.cookies = {}

    def call(self, method, path, body=None, headers=None, timeout=20):
        """(status, headers, body) of the answer. Every name below localhost is this machine."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        fields = {"Host": self.host, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
        if method not in ("GET", "HEAD"):
            fields["Origin"] = self.origin
        if self.cookies:
            fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        fields.update(headers or {})
        connection.request(method, path, body=body, headers={name: value for name, value in fields.items() if value is not None})
        answer = connection.getresponse()
        seen = answer.status, answer.headers, answer.read()
        connection.close()
        for field in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = field.partition(";")[0].partition("=")
            self.cookies[name] = value
        return seen

    def navigate(self, path="/"):
        return self.call("GET", path, headers={"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})

    def open(self):
        """The link's secret for a cookie; the status of that."""
        return self.call("POST", "/.slipway/open", body=json.dumps({"secret": self.secret}), headers={"Content-Type": "application/json"})[0]

    def get(self, path="/", **more):
        status, _, body = self.call("GET", path, **more)
        assert status == 200, (status, body[:500])
        return body
