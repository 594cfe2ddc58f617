"""What a guest can and cannot reach: metadata, neighbours, the outside, other resources."""
import os

import pytest

from harness.wait import until

FETCH = ("import urllib.request as u, sys\n"
         "def get(path, token=None, method='GET', headers={}):\n"
         "    h = dict(headers)\n"
         "    if token: h['X-aws-ec2-metadata-token'] = token\n"
         "    try:\n"
         "        return u.urlopen(u.Request('http://169.254.169.254' + path, method=method, headers=h), timeout=5).read().decode()\n"
         "    except u.HTTPError as e:\n"
         "        return 'HTTP %d' % e.code\n"
         "token = get('/latest/api/token', method='PUT', headers={'X-aws-ec2-metadata-token-ttl-seconds': '60'})\n")


def python(key, instance, code):
    """Runs Python in the guest; cloud-init has brought it."""
    from harness.process import run

    known = key.file.with_suffix(f".{instance['InstanceId']}.known")
    key.ssh(instance, "true")
    return run(key.argv(instance["PrivateIpAddress"], known, "python3", "-"), input=code.encode(), check=0).stdout.decode()


@pytest.fixture(scope="module")
def two_guests(dev, key):
    guests = [dev.launch(dev.base, key, UserData=f"secret of guest {i}") for i in range(2)]
    for guest in guests:
        key.wait_ssh(guest)
    yield guests
    dev.terminate_all()


def test_metadata_needs_a_token(key, two_guests):
    assert python(key, two_guests[0], FETCH + "print(get('/latest/meta-data/instance-id'))").strip() == "HTTP 401"


def test_metadata_is_the_guests_own(key, two_guests):
    for i, guest in enumerate(two_guests):
        seen = python(key, guest, FETCH + "print(get('/latest/meta-data/instance-id', token)); print(get('/latest/meta-data/local-ipv4', token)); print(get('/latest/user-data', token))")
        assert seen.split("\n")[:3] == [guest["InstanceId"], guest["PrivateIpAddress"], f"secret of guest {i}"]


def test_a_guest_sees_its_own_memory_and_cpus(key, two_guests):
    """What a t3.micro has, not what the machine has."""
    def seen(command):
        return key.ssh(two_guests[0], command).stdout.decode().strip()

    assert seen("grep MemTotal /proc/meminfo").split()[1] == str(1 << 20)
    assert seen("nproc") == seen("grep -c ^processor /proc/cpuinfo") == str(min(2, os.cpu_count()))


def test_a_neighbours_address_and_token_give_nothing(key, two_guests):
    """A guest takes its neighbour's address as well and asks from there; and it asks with the neighbour's token."""
    first, second = two_guests
    token = python(key, second, FETCH + "print(token)").strip()
    seen = python(key, first, FETCH + f"print(get('/latest/user-data', {token!r}))")
    assert "secret of guest 1" not in seen
    stolen = second["PrivateIpAddress"]
    key.ssh(first, f"sudo ip address add {stolen}/32 dev lo")
    code = ("import socket\n"
            "s = socket.socket(); s.settimeout(4)\n"
            f"s.bind(({stolen!r}, 0))\n"
            "try:\n"
            "    s.connect(('169.254.169.254', 80)); s.sendall(b'PUT /latest/api/token HTTP/1.0\\r\\nX-aws-ec2-metadata-token-ttl-seconds: 60\\r\\n\\r\\n'); print('answered', s.recv(100))\n"
            "except OSError as e:\n"
            "    print('refused', e)\n")
    try:
        assert python(key, first, code).startswith("refused")
    finally:
        key.ssh(first, f"sudo ip address del {stolen}/32 dev lo")
    assert python(key, second, FETCH + "print(get('/latest/meta-data/instance-id', token))").strip() == second["InstanceId"]


def test_security_groups_decide_who_reaches_whom(dev, key, two_guests):
    first, second = two_guests
    ec2 = dev.ec2()
    closed = ec2.create_security_group(GroupName="closed", Description="nothing in")["GroupId"]
    third = dev.launch(dev.base, key, SecurityGroupIds=[closed])
    try:
        probe = "import socket\ns = socket.socket(); s.settimeout(3)\ntry:\n    s.connect((%r, 22)); print('open')\nexcept OSError as e:\n    print('shut')\n"
        assert python(key, first, probe % second["PrivateIpAddress"]).strip() == "open", "the default group lets its members in"
        assert python(key, first, probe % third["PrivateIpAddress"]).strip() == "shut"
        ec2.authorize_security_group_ingress(GroupId=closed, IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": f"{first['PrivateIpAddress']}/32"}]}])
        until("the port to open", lambda: python(key, first, probe % third["PrivateIpAddress"]).strip() == "open")
    finally:
        ec2.terminate_instances(InstanceIds=[third["InstanceId"]])
        dev.wait_instance(third["InstanceId"], "terminated")
        ec2.delete_security_group(GroupId=closed)


def test_root_inside_is_not_root_outside(dev, two_guests):
    pids = dev.guest_pids(two_guests[0]["InstanceId"])
    owners = set()
    for pid in pids:
        status = open(f"/proc/{pid}/status").read()
        if "systemd-nspawn" not in status:
            owners.add(int(status.split("Uid:")[1].split()[0]))
    assert owners and min(uid for uid in owners if uid != 0) >= 65536
    inits = [pid for pid in pids if open(f"/proc/{pid}/comm").read().strip() == "systemd"]
    assert inits and all("Uid:\t0\t" not in open(f"/proc/{pid}/status").read() for pid in inits)


def test_reboot_from_inside_keeps_the_disk(dev, key, two_guests):
    guest = two_guests[1]
    before = key.ssh(guest, "echo kept | sudo tee /srv/kept >/dev/null; sync; cat /proc/sys/kernel/random/boot_id").stdout.decode().strip()
    key.ssh(guest, "sudo systemctl reboot", check=None)

    def rebooted():
        done = key.ssh(guest, "cat /srv/kept /proc/sys/kernel/random/boot_id", check=None)
        if done.returncode != 0:
            return False
        kept, boot = done.stdout.decode().split()
        return kept == "kept" and boot != before

    until("the guest to be back with another boot", rebooted, timeout=40, interval=0.5)


def test_a_poweroff_from_inside_stops_the_instance(dev, key):
    guest = dev.launch(dev.base, key)
    key.wait_ssh(guest)
    key.ssh(guest, "sudo systemctl poweroff", check=None)
    dev.wait_instance(guest["InstanceId"], "stopped")
    dev.ec2().terminate_instances(InstanceIds=[guest["InstanceId"]])
    dev.wait_instance(guest["InstanceId"], "terminated")
