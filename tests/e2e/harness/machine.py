"""What a machine shows of itself by its own tools (ps, mount, losetup, ip, nft, cgroups): nothing of the product is asked."""
import json
import os
import pathlib
import subprocess

MARK = "SLIPWAY_E2E_RUN"  # in the environment of everything that the tests start


def output(*argv):
    return subprocess.run(argv, capture_output=True, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C"}).stdout.decode(errors="replace")


class Machine:
    """A picture of the machine. `left_over(before)` says what is there now and was not before, by kind."""

    KINDS = ("processes", "mounts", "loop devices", "network namespaces", "interfaces", "routes", "firewall", "cgroups")

    def __init__(self, seen):
        self.seen = seen

    @classmethod
    def now(cls):
        return cls({
            "processes": cls.processes(),
            "mounts": {line.split(" type ")[0] for line in output("mount").splitlines()},
            "loop devices": {line for line in output("losetup", "--list", "--noheadings", "--output", "NAME,BACK-FILE").splitlines()},
            "network namespaces": cls.namespaces(),
            "interfaces": {link["ifname"] for link in json.loads(output("ip", "-json", "link") or "[]")},
            "routes": set(output("ip", "route", "show", "table", "all").splitlines()),
            "firewall": cls.firewall(),
            "cgroups": cls.cgroups(),
        })

    @classmethod
    def processes(cls):
        """{(pid, start): description} of what could be ours: started by the tests (they hand a mark down in the environment),
        a guest's (uids of a container's range), or named as we are. Other people's processes come and go."""
        found = {}
        for line in output("ps", "-eo", "pid=,ppid=,uid=,lstart=,args=").splitlines():
            words = line.split(None, 8)
            if len(words) == 9 and (int(words[2]) >= 65536 or cls.is_named_as_we_are(words[8]) or cls.is_marked(words[0])):
                found[(int(words[0]), " ".join(words[3:8]))] = f"{words[0]} (child of {words[1]}, uid {words[2]}) {words[8]}"
        mine, pid = set(), os.getpid()
        while pid > 1:
            mine.add(pid)
            pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        return {key: text for key, text in found.items() if key[0] not in mine}

    @staticmethod
    def is_named_as_we_are(command_line):
        words = command_line.split()
        return os.path.basename(words[0]) in ("slipway", "slipway-agent") or "internal-supervisor" in words[:3]

    @staticmethod
    def is_marked(pid):
        try:
            return MARK.encode() + b"=" in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    @staticmethod
    def namespaces():
        named = {line.split()[0] for line in output("ip", "netns", "list").splitlines() if line}
        listed = json.loads(output("lsns", "--json", "--type", "net", "--output", "NS") or '{"namespaces": []}')["namespaces"]
        return named | {str(entry["ns"]) for entry in listed}

    @staticmethod
    def firewall():
        """Rules without their counters and handles, one entry each with its table and chain."""
        rules = set()
        for entry in json.loads(output("nft", "-j", "list", "ruleset") or '{"nftables": []}')["nftables"]:
            for kind, value in entry.items():
                if kind == "metainfo":
                    continue
                value.pop("handle", None)
                text = json.dumps([e for e in value.get("expr", []) if "counter" not in e] if kind == "rule" else "", sort_keys=True)
                rules.add(f"{kind} {value.get('family')} {value.get('table', '')} {value.get('chain', '')} {value.get('name', '')} {text}")
        return rules

    @staticmethod
    def cgroups():
        found = set()
        for root, folders, _ in os.walk("/sys/fs/cgroup"):
            found.update(os.path.join(root, folder) for folder in folders)
        return found

    def left_over(self, before):
        """{kind: [what]} with only the kinds where something is new."""
        found = {}
        for kind in self.KINDS:
            old, new = before.seen[kind], self.seen[kind]
            fresh = [new[key] for key in new.keys() - old.keys()] if isinstance(new, dict) else sorted(new - old)
            if fresh:
                found[kind] = fresh
        return found

    def missing(self, before):
        """{kind: [what]} of what was there and is not any more; processes come and go and don't count."""
        found = {}
        for kind in self.KINDS[1:]:
            lost = sorted(before.seen[kind] - self.seen[kind])
            if lost:
                found[kind] = lost
        return found
