"""The local cloud's stand-in for EFS: unmodified boto3 and aws make file systems, guests mount them as they would on EC2."""
import json
import os
import pathlib
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import botocore.session
import pytest

from harness.process import gone
from harness.wait import until


def code_of(call):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture
def system(dev):
    """A file system that instances of the default group may mount; gone after the test, with nothing left on the disk."""
    made = dev.file_system("of-a-test")
    yield made
    if dev.daemon.alive():
        until("the cloud to answer", dev.is_ready)
        dev.delete_file_system(made)
        assert not (dev.data_dir / "volumes" / made).exists()


@pytest.fixture(scope="module")
def guests(dev, key):
    """Two instances of the default group."""
    launched = [dev.launch(dev.base, key) for _ in range(2)]
    for guest in launched:
        key.wait_ssh(guest)
    yield launched
    dev.terminate_all()


@pytest.fixture
def sh(key):
    """sh(guest, script): what root of the guest sees; a failed script fails the test unless check is None."""
    def run(guest, script, check=0, user="root"):
        command = ["sudo", "-u", user, "sh", "-c", f"'{script}'"]
        done = key.ssh(guest, " ".join(command), check=check)
        return done.stdout.decode() if check == 0 else (done.returncode, done.stderr.decode())

    return run


def mount(sh, guest, source, target="/mnt", options="", check=0):
    extra = f"-o {options}" if options else ""
    return sh(guest, f"mkdir -p {target} && mount -t efs {extra} {source} {target}", check=check)


# ---- the API ----

def test_a_file_system_from_its_creation_to_its_end(dev):
    efs = dev.efs()
    made = efs.create_file_system(CreationToken="first", Tags=[{"Key": "Name", "Value": "homes"}])
    system = made["FileSystemId"]
    assert made["LifeCycleState"] in ("creating", "available") and made["Name"] == "homes" and made["OwnerId"]
    with pytest.raises(efs.exceptions.FileSystemAlreadyExists) as repeated:
        efs.create_file_system(CreationToken="first")
    assert repeated.value.response["FileSystemId"] == system
    until("it to be available", lambda: efs.describe_file_systems(CreationToken="first")["FileSystems"][0]["LifeCycleState"] == "available")

    group = dev.ec2().create_security_group(GroupName="efs-door", Description="of a test")["GroupId"]
    target = efs.create_mount_target(FileSystemId=system, SubnetId=dev.subnet(), SecurityGroups=[group])
    assert target["FileSystemId"] == system and target["IpAddress"] and target["LifeCycleState"] == "available"
    assert code_of(lambda: efs.create_mount_target(FileSystemId=system, SubnetId=dev.subnet())) == ("MountTargetConflict", 409)
    assert efs.describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])["SecurityGroups"] == [group]
    assert code_of(lambda: dev.ec2().delete_security_group(GroupId=group))[0] == "DependencyViolation"
    assert code_of(lambda: efs.delete_file_system(FileSystemId=system)) == ("FileSystemInUse", 409)

    efs.tag_resource(ResourceId=made["FileSystemArn"], Tags=[{"Key": "a b", "Value": "c/d"}])
    assert {"Key": "a b", "Value": "c/d"} in efs.list_tags_for_resource(ResourceId=system)["Tags"]
    efs.untag_resource(ResourceId=system, TagKeys=["a b", "Name"])
    assert efs.list_tags_for_resource(ResourceId=system)["Tags"] == []

    dev.delete_file_system(system)
    dev.ec2().delete_security_group(GroupId=group)
    assert code_of(lambda: efs.describe_file_systems(FileSystemId=system)) == ("FileSystemNotFound", 404)
    assert code_of(lambda: efs.delete_mount_target(MountTargetId=target["MountTargetId"])) == ("MountTargetNotFound", 404)


def test_pages(dev):
    efs = dev.efs()
    made = {efs.create_file_system(CreationToken=f"page-{i}")["FileSystemId"] for i in range(5)}
    pages = list(efs.get_paginator("describe_file_systems").paginate(PaginationConfig={"PageSize": 2}))
    seen = [system["FileSystemId"] for page in pages for system in page["FileSystems"]]
    assert len(pages) >= 3 and made <= set(seen) and len(seen) == len(set(seen))
    for system in made:
        until("it to be available", lambda: efs.describe_file_systems(FileSystemId=system)["FileSystems"][0]["LifeCycleState"] == "available")
        efs.delete_file_system(FileSystemId=system)
    until("all to be gone", lambda: not made & {system["FileSystemId"] for system in efs.describe_file_systems()["FileSystems"]})


@pytest.mark.parametrize("call, code", [
    (lambda efs: efs.describe_file_systems(FileSystemId="fs-0123456789abcdef0"), ("FileSystemNotFound", 404)),
    (lambda efs: efs.delete_file_system(FileSystemId="nonsense"), ("BadRequest", 400)),
    (lambda efs: efs.create_file_system(CreationToken="x", Encrypted=True), ("BadRequest", 400)),
    (lambda efs: efs.create_file_system(CreationToken="x", AvailabilityZoneName="us-east-1a"), ("UnsupportedAvailabilityZone", 400)),
    (lambda efs: efs.describe_mount_targets(), ("BadRequest", 400)),
    (lambda efs: efs.describe_access_points(), ("BadRequest", 400)),
])
def test_mistakes_get_efss_own_codes(dev, call, code):
    assert code_of(lambda: call(dev.efs())) == code


def test_a_wrong_secret_and_an_unknown_key(dev):
    assert code_of(dev.efs(aws_secret_access_key="x" * 40).describe_file_systems) == ("InvalidSignatureException", 403)
    assert code_of(dev.efs(aws_access_key_id="AKIAIOSFODNN7EXAMPLE").describe_file_systems) == ("UnrecognizedClientException", 403)


def test_aws_describes_what_boto3_made(dev, system):
    seen = dev.aws("describe-file-systems", "--file-system-id", system, service="efs")["FileSystems"][0]
    assert seen["NumberOfMountTargets"] == 1 and seen["SizeInBytes"]["Value"] >= 0
    assert dev.aws("describe-mount-targets", "--file-system-id", system, service="efs")["MountTargets"][0]["SubnetId"] == dev.subnet()


# ---- every answer is one that botocore's model has ----

MODEL = botocore.session.get_session().get_service_model("efs")


def raw(dev, method, path, body=None):
    info = dev.cloud_info
    data = json.dumps(body).encode() if body is not None else b""
    request = botocore.awsrequest.AWSRequest(method, f"{info['endpoint']}/2015-02-01/{path}", data=data)
    credentials = botocore.credentials.Credentials(info["access_key_id"], info["secret_access_key"])
    botocore.auth.SigV4Auth(credentials, "elasticfilesystem", info["region"]).add_auth(request)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(request.url, data=data, method=method, headers=dict(request.headers)), timeout=60) as answer:
        return answer.status, json.loads(answer.read() or b"{}")


def strangers(value, shape, path):
    """Paths of what the model does not have, or has with another type; clients skip these and no other test would see them."""
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{path}: no object"]
        return [found for key, below in value.items() for found in
                (strangers(below, shape.members[key], f"{path}.{key}") if key in shape.members else [f"{path}.{key}"])]
    if shape.type_name == "list":
        return [found for below in value for found in strangers(below, shape.member, path + "[]")]
    kinds = {"string": str, "boolean": bool, "integer": int, "long": int, "timestamp": (int, float), "double": (int, float)}
    return [] if isinstance(value, kinds[shape.type_name]) else [f"{path}: {value!r} is no {shape.type_name}"]


def check(dev, operation, method, path, body=None):
    model = MODEL.operation_model(operation)
    status, answer = raw(dev, method, path, body)
    assert status == model.http.get("responseCode", 200), operation
    if model.output_shape is None:
        assert answer == {}, operation
        return answer
    assert strangers(answer, model.output_shape, operation) == []
    assert set(model.output_shape.required_members) <= set(answer), operation
    return answer


def test_every_answer_fits_the_model(dev):
    tags = [{"Key": "Name", "Value": "model"}]
    system = check(dev, "CreateFileSystem", "POST", "file-systems", {"CreationToken": "model", "Tags": tags})["FileSystemId"]
    until("it to be available", lambda: raw(dev, "GET", f"file-systems?FileSystemId={system}")[1]["FileSystems"][0]["LifeCycleState"] == "available")
    check(dev, "DescribeFileSystems", "GET", "file-systems?MaxItems=1")
    check(dev, "DescribeLifecycleConfiguration", "GET", f"file-systems/{system}/lifecycle-configuration")
    target = check(dev, "CreateMountTarget", "POST", "mount-targets", {"FileSystemId": system, "SubnetId": dev.subnet()})["MountTargetId"]
    check(dev, "DescribeMountTargets", "GET", f"mount-targets?FileSystemId={system}")
    groups = check(dev, "DescribeMountTargetSecurityGroups", "GET", f"mount-targets/{target}/security-groups")
    check(dev, "ModifyMountTargetSecurityGroups", "PUT", f"mount-targets/{target}/security-groups", groups)
    check(dev, "TagResource", "POST", f"resource-tags/{system}", {"Tags": tags})
    check(dev, "ListTagsForResource", "GET", f"resource-tags/{system}")
    check(dev, "UntagResource", "DELETE", f"resource-tags/{system}?tagKeys=Name")
    check(dev, "DeleteMountTarget", "DELETE", f"mount-targets/{target}")
    until("the mount target to be gone", lambda: not raw(dev, "GET", f"mount-targets?FileSystemId={system}")[1]["MountTargets"])
    check(dev, "DeleteFileSystem", "DELETE", f"file-systems/{system}")
    until("it to be gone", lambda: not raw(dev, "GET", "file-systems?CreationToken=model")[1]["FileSystems"])


# ---- in the guests ----

def test_two_guests_share_files_and_owners(dev, guests, system, sh):
    first, second = guests
    mount(sh, first, f"{system}:/")
    mount(sh, second, f"{system}")
    sh(first, "echo hello > /mnt/greeting && chown 4711:4712 /mnt/greeting && chmod 640 /mnt/greeting")
    assert sh(second, "cat /mnt/greeting; stat -c %u:%g:%a /mnt/greeting") == "hello\n4711:4712:640\n"
    sh(second, "mkdir -p /mnt/deep/down && echo below > /mnt/deep/down/file && echo more >> /mnt/greeting")
    assert sh(first, "cat /mnt/greeting") == "hello\nmore\n"
    mount(sh, first, f"{system}:/deep/down", "/srv/down", "ro")
    assert sh(first, "cat /srv/down/file") == "below\n"
    status, said = sh(first, "echo x > /srv/down/new", check=None)
    assert status != 0 and "Read-only" in said
    for guest, targets in ((first, "/srv/down /mnt"), (second, "/mnt")):
        sh(guest, f"umount {targets}")
        assert sh(guest, "ls -A /mnt") == ""


def test_an_fstab_line_mounts_at_boot(dev, guests, system, sh, key):
    guest = guests[1]
    sh(guest, f"mkdir -p /srv/shared && echo {system}:/ /srv/shared efs _netdev,nofail 0 0 >> /etc/fstab && systemctl daemon-reload && mount /srv/shared && echo kept > /srv/shared/file")
    key.ssh(guest, "cat /proc/sys/kernel/random/boot_id")
    before = key.ssh(guest, "cat /proc/sys/kernel/random/boot_id").stdout
    key.ssh(guest, "sudo systemctl reboot", check=None)
    until("the guest to be back", lambda: key.ssh(guest, "cat /proc/sys/kernel/random/boot_id", check=None).stdout not in (before, b""), timeout=60, interval=0.5)
    until("the line to be mounted", lambda: sh(guest, "cat /srv/shared/file 2>/dev/null || true") == "kept\n", timeout=60, interval=0.5)
    assert sh(guest, "systemctl is-active srv-shared.mount") == "active\n"
    sh(guest, "umount /srv/shared && sed -i /srv.shared/d /etc/fstab && systemctl daemon-reload")


def test_a_directory_with_a_quota(dev, guests, system, sh):
    guest = guests[0]
    status, said = mount(sh, guest, f"{system}:/homes/ann", check=None)
    assert status == 32 and "No such file or directory" in said
    mount(sh, guest, f"{system}:/homes/ann", options="create,quota=16M")
    assert sh(guest, "stat -c %u:%g:%a /mnt") == "0:0:755\n"
    status, said = sh(guest, "dd if=/dev/zero of=/mnt/big bs=1M count=32 conv=fsync", check=None)
    assert status != 0 and "Disk quota exceeded" in said
    sh(guest, "rm /mnt/big && umount /mnt")
    mount(sh, guest, f"{system}:/homes/ann", options="create,quota=64MiB")
    sh(guest, "dd if=/dev/zero of=/mnt/big bs=1M count=32 conv=fsync 2>/dev/null && sync -f /mnt")
    until("its size to be known", lambda: dev.efs().describe_file_systems(FileSystemId=system)["FileSystems"][0]["SizeInBytes"]["Value"] >= 32 << 20, timeout=60, interval=1)
    sh(guest, "umount /mnt")


def test_security_groups_and_mount_targets_decide(dev, guests, system, sh):
    guest, ec2, efs = guests[0], dev.ec2(), dev.efs()
    target = efs.describe_mount_targets(FileSystemId=system)["MountTargets"][0]["MountTargetId"]
    door = ec2.create_security_group(GroupName="nfs", Description="of a test")["GroupId"]
    efs.modify_mount_target_security_groups(MountTargetId=target, SecurityGroups=[door])
    status, said = mount(sh, guest, f"{system}:/", check=None)
    assert status == 32 and "lets TCP 2049 in" in said
    ec2.authorize_security_group_ingress(GroupId=door, IpPermissions=[
        {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "IpRanges": [{"CidrIp": f"{guest['PrivateIpAddress']}/32"}]}])
    mount(sh, guest, f"{system}:/")
    sh(guest, "echo x > /mnt/file")
    efs.delete_mount_target(MountTargetId=target)
    until("the mount to be taken away", lambda: sh(guest, "ls -A /mnt") == "")
    status, said = mount(sh, guest, f"{system}:/", check=None)
    assert status == 32 and "no mount target" in said
    until("the mount target to be gone", lambda: not efs.describe_mount_targets(FileSystemId=system)["MountTargets"])
    ec2.delete_security_group(GroupId=door)
    status, said = mount(sh, guest, "fs-0123456789abcdef0:/", check=None)
    assert status == 32 and "does not exist" in said


ASK = ("import urllib.request as u\n"
       "def put(path, headers, data=None):\n"
       "    try:\n"
       "        answer = u.urlopen(u.Request('http://169.254.169.254' + path, method='PUT', headers=headers, data=data), timeout=20)\n"
       "        return answer.status, answer.read().decode()\n"
       "    except u.HTTPError as e:\n"
       "        return e.code, e.read().decode()\n"
       "token = put('/latest/api/token', {'X-aws-ec2-metadata-token-ttl-seconds': '60'})[1]\n"
       "def ask(form, token=token):\n"
       "    return put('/slipway/v1/efs/mounts', {'X-aws-ec2-metadata-token': token}, form.encode())[0]\n")


def test_only_root_of_a_guest_may_mount_and_only_with_a_token(dev, guests, system, sh, key):
    from harness.process import run

    guest = guests[0]
    known = key.file.with_suffix(f".{guest['InstanceId']}.known")

    def python(code):
        return run(key.argv(guest["PrivateIpAddress"], known, "python3", "-"), input=(ASK + code).encode(), check=0).stdout.decode().split()

    # The user admin: no proof, one of its own elsewhere, or somebody else's request.
    form = f"file_system={system}&directory=%2f&target=%2fetc&create=true"
    sh(guest, "mkdir -p /run/mount.efs && chmod 700 /run/mount.efs && umask 077 && echo something else > /run/mount.efs/abc")
    assert python(f"print(ask('{form}&proof=abc'), ask('{form}&proof=none'), ask('{form}&proof=..%2fx'), ask('{form}'))") == ["403", "403", "400", "400"]
    assert python(f"print(ask('{form}&proof=abc', ''), ask('{form}&proof=abc', 'x' * 40))") == ["401", "401"]
    assert sh(guest, "rm /run/mount.efs/abc; findmnt -n /etc || echo free") == "free\n"
    status, said = sh(guest, f"/usr/sbin/mount.efs {system} /etc", check=None, user="admin")
    assert status != 0 and said


def test_hostile_paths_lead_nowhere(dev, guests, system, sh):
    guest = guests[0]
    mount(sh, guest, f"{system}:/")
    sh(guest, "ln -s / /mnt/up; ln -s /etc /mnt/etc; ln -s /proc/1/root /srv/magic")
    for source in (f"{system}:/up", f"{system}:/up/etc", f"{system}:/etc", f"{system}:/../..", f"{system}:/x/../../y"):
        status, said = mount(sh, guest, source, "/srv/target", check=None)
        assert status == 32 and said, source
    sh(guest, "umount /mnt")


def test_a_killed_cloud_and_an_ended_guest(dev, key, system, sh):
    guest = dev.launch(dev.base, key)
    key.wait_ssh(guest)
    mount(sh, guest, f"{system}:/")
    sh(guest, "echo before > /mnt/file")
    pid = dev.cloud_pid()
    os.kill(pid, 9)
    assert sh(guest, "cat /mnt/file && echo after >> /mnt/file && cat /mnt/file") == "before\nbefore\nafter\n"
    until("the cloud to be back", lambda: gone(pid) and dev.is_ready(), timeout=20)
    assert sh(guest, "cat /mnt/file") == "before\nafter\n"
    assert dev.efs().describe_file_systems(FileSystemId=system)["FileSystems"][0]["LifeCycleState"] == "available"
    assert json.loads(dev.cli("cloud", "leftovers", "-o", "json", timeout=60).stdout)["items"] == []
    dev.ec2().stop_instances(InstanceIds=[guest["InstanceId"]])
    dev.wait_instance(guest["InstanceId"], "stopped")
    assert not [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if system in line]
    dev.ec2().start_instances(InstanceIds=[guest["InstanceId"]])
    guest = dev.wait_instance(guest["InstanceId"], "running")
    key.wait_ssh(guest)
    assert sh(guest, "ls -A /mnt") == "", "as after any boot without a line in fstab"
    mount(sh, guest, f"{system}:/")
    assert sh(guest, "cat /mnt/file") == "before\nafter\n"
    dev.ec2().terminate_instances(InstanceIds=[guest["InstanceId"]])
    dev.wait_instance(guest["InstanceId"], "terminated")
    assert json.loads(dev.cli("cloud", "leftovers", "-o", "json", timeout=60).stdout)["items"] == []
