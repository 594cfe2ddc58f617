"""Unmodified EC2 clients drive the local cloud: Debian's aws and boto3 with its waiters."""
import base64
import datetime
import pathlib
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from harness.wait import Stopwatch, until


def code_of(call):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_aws_run_describe_terminate(dev):
    ran = dev.aws("run-instances", "--image-id", dev.base, "--instance-type", "t3.micro", "--count", "1",
                  "--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value=by-aws}]")
    instance_id = ran["Instances"][0]["InstanceId"]
    dev.wait_instance(instance_id, "running")
    seen = dev.aws("describe-instances", "--filters", "Name=tag:Name,Values=by-aws", "Name=instance-state-name,Values=running")
    instance = seen["Reservations"][0]["Instances"][0]
    assert instance["InstanceId"] == instance_id and instance["InstanceType"] == "t3.micro" and instance["PrivateIpAddress"]
    ended = dev.aws("terminate-instances", "--instance-ids", instance_id)
    assert ended["TerminatingInstances"][0]["CurrentState"]["Name"] in ("shutting-down", "terminated")
    with Stopwatch() as watch:
        dev.wait_instance(instance_id, "terminated")
    assert watch.seconds <= 5


def test_ssh_with_the_key_pair_after_aws_launched_it(dev, key):
    ran = dev.aws("run-instances", "--image-id", dev.base, "--instance-type", "t3.micro", "--key-name", key.name)
    instance = dev.wait_instance(ran["Instances"][0]["InstanceId"], "running")
    key.wait_ssh(instance)
    assert key.ssh(instance, "sudo", "-n", "id", "-u").stdout.strip() == b"0"
    assert b"running" in key.ssh(instance, "systemctl is-system-running --wait || true").stdout
    dev.aws("terminate-instances", "--instance-ids", instance["InstanceId"])
    dev.wait_instance(instance["InstanceId"], "terminated")


def test_boto3_waiters(dev):
    ec2 = dev.ec2()
    quick = {"WaiterConfig": {"Delay": 1, "MaxAttempts": 40}}
    instance_id = ec2.run_instances(ImageId=dev.base, InstanceType="t3.micro", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance_id], **quick)
    ec2.stop_instances(InstanceIds=[instance_id])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=[instance_id], **quick)
    ec2.start_instances(InstanceIds=[instance_id])
    ec2.get_waiter("instance_running").wait(InstanceIds=[instance_id], **quick)
    image_id = ec2.create_image(InstanceId=instance_id, Name="waited-for", NoReboot=False)["ImageId"]
    ec2.get_waiter("image_available").wait(ImageIds=[image_id], **quick)
    ec2.terminate_instances(InstanceIds=[instance_id])
    ec2.get_waiter("instance_terminated").wait(InstanceIds=[instance_id], **quick)
    ec2.deregister_image(ImageId=image_id)


def test_a_created_image_boots_with_the_change_inside(dev, key):
    instance = dev.launch(dev.base, key)
    key.wait_ssh(instance)
    key.ssh(instance, "echo changed | sudo tee /srv/change")
    image_id = dev.ec2().create_image(InstanceId=instance["InstanceId"], Name="with-change")["ImageId"]
    until("the image", lambda: dev.ec2().describe_images(ImageIds=[image_id])["Images"][0]["State"] == "available")
    other = dev.launch(image_id, key)
    key.wait_ssh(other)
    assert key.ssh(other, "cat /srv/change").stdout == b"changed\n"
    assert key.ssh(other, "cat /etc/machine-id").stdout != key.ssh(dev.instance(instance["InstanceId"]), "cat /etc/machine-id").stdout
    dev.terminate_all()
    dev.ec2().deregister_image(ImageId=image_id)
    assert not [image for image in dev.ec2().describe_images(Owners=["self"])["Images"] if image["ImageId"] == image_id]


def test_stop_and_start_keep_disk_id_and_address(dev, key):
    instance = dev.launch(dev.base, key)
    key.wait_ssh(instance)
    key.ssh(instance, "echo kept | sudo tee /srv/kept && sync")
    dev.ec2().stop_instances(InstanceIds=[instance["InstanceId"]])
    dev.wait_instance(instance["InstanceId"], "stopped")
    dev.ec2().start_instances(InstanceIds=[instance["InstanceId"]])
    again = dev.wait_instance(instance["InstanceId"], "running")
    assert again["PrivateIpAddress"] == instance["PrivateIpAddress"]
    key.wait_ssh(again)
    assert key.ssh(again, "cat /srv/kept").stdout == b"kept\n"
    dev.terminate_all()


def test_user_data_runs_and_the_guest_has_its_types_size(dev, key):
    script = "#!/bin/sh\necho from user-data > /srv/user-data\n"
    instance = dev.launch(dev.base, key, instance_type="t3.medium", UserData=script)
    key.wait_ssh(instance)
    until("user-data to run", lambda: key.ssh(instance, "cat /srv/user-data", check=None).stdout == b"from user-data\n", timeout=30)
    assert key.ssh(instance, "nproc").stdout.strip() == b"2"
    assert memory_limit(instance["InstanceId"]) == 4 << 30
    dev.terminate_all()


def memory_limit(instance_id):
    """Of the guest's own cgroup, which is named after it, on either version of cgroups."""
    for name in ("memory.limit_in_bytes", "memory.max"):
        limits = [int(path.read_text()) for path in pathlib.Path("/sys/fs/cgroup").glob(f"**/*{instance_id}*/{name}") if path.read_text().strip().isdigit()]
        if limits:
            return min(limits)
    raise AssertionError(f"no cgroup of {instance_id} has a memory limit")


def test_console_output_is_the_guests_own(dev):
    instance = dev.launch(dev.base)
    until("the console", lambda: "Debian" in dev.ec2().get_console_output(InstanceId=instance["InstanceId"]).get("Output", ""))
    dev.terminate_all()


def test_a_client_token_makes_one_instance(dev):
    ec2 = dev.ec2()
    request = {"ImageId": dev.base, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1, "ClientToken": "e2e-token"}
    ids = {ec2.run_instances(**request)["Instances"][0]["InstanceId"] for _ in range(3)}
    assert len(ids) == 1 and len(dev.living()) == 1
    assert code_of(lambda: ec2.run_instances(**{**request, "InstanceType": "t3.small"})) == ("IdempotentParameterMismatch", 400)
    dev.terminate_all()


def test_tags_filters_and_pages(dev):
    ec2 = dev.ec2()
    ran = ec2.run_instances(ImageId=dev.base, InstanceType="t3.nano", MinCount=3, MaxCount=3)["Instances"]
    assert len({instance["PrivateIpAddress"] for instance in ran}) == 3
    ec2.create_tags(Resources=[ran[0]["InstanceId"]], Tags=[{"Key": "role", "Value": "first one"}])
    found = ec2.describe_instances(Filters=[{"Name": "tag:role", "Values": ["first*"]}])["Reservations"]
    assert [i["InstanceId"] for r in found for i in r["Instances"]] == [ran[0]["InstanceId"]]
    pages = list(ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    assert {i["InstanceId"] for page in pages for r in page["Reservations"] for i in r["Instances"]} >= {i["InstanceId"] for i in ran}
    volumes = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [ran[0]["InstanceId"]]}])["Volumes"]
    assert len(volumes) == 1 and volumes[0]["State"] == "in-use"
    dev.terminate_all()


def test_key_pairs_and_security_groups(dev):
    ec2 = dev.ec2()
    made = ec2.create_key_pair(KeyName="two-of-a-kind", KeyType="ed25519")
    assert "PRIVATE KEY" in made["KeyMaterial"]
    assert code_of(lambda: ec2.create_key_pair(KeyName="two-of-a-kind"))[0] == "InvalidKeyPair.Duplicate"
    assert [pair["KeyName"] for pair in ec2.describe_key_pairs(KeyNames=["two-of-a-kind"])["KeyPairs"]] == ["two-of-a-kind"]
    ec2.delete_key_pair(KeyName="two-of-a-kind")
    assert code_of(lambda: ec2.describe_key_pairs(KeyNames=["two-of-a-kind"]))[0] == "InvalidKeyPair.NotFound"
    group = ec2.create_security_group(GroupName="e2e", Description="of a test")["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    seen = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    assert seen["IpPermissions"][0]["FromPort"] == 22
    ec2.delete_security_group(GroupId=group)
    assert code_of(lambda: ec2.describe_security_groups(GroupIds=[group]))[0] == "InvalidGroup.NotFound"
    assert ec2.describe_regions()["Regions"]


@pytest.mark.parametrize("call, code", [
    (lambda ec2: ec2.describe_instances(InstanceIds=["i-0123456789abcdef0"]), "InvalidInstanceID.NotFound"),
    (lambda ec2: ec2.describe_instances(InstanceIds=["nonsense"]), "InvalidInstanceID.Malformed"),
    (lambda ec2: ec2.terminate_instances(InstanceIds=["i-0123456789abcdef0"]), "InvalidInstanceID.NotFound"),
    (lambda ec2: ec2.describe_images(ImageIds=["ami-0123456789abcdef0"]), "InvalidAMIID.NotFound"),
    (lambda ec2: ec2.run_instances(ImageId="ami-0123456789abcdef0", InstanceType="t3.micro", MinCount=1, MaxCount=1), "InvalidAMIID.NotFound"),
    (lambda ec2: ec2.describe_vpn_gateways(), "InvalidAction"),
])
def test_mistakes_get_ec2s_own_codes(dev, call, code):
    assert code_of(lambda: call(dev.ec2())) == (code, 400)


def test_an_unknown_instance_type_and_a_dry_run(dev):
    ec2 = dev.ec2()
    request = {"ImageId": dev.base, "MinCount": 1, "MaxCount": 1}
    assert code_of(lambda: ec2.run_instances(InstanceType="z9.enormous", **request))[0] in ("InvalidParameterValue", "InvalidInstanceType")
    assert code_of(lambda: ec2.run_instances(InstanceType="t3.micro", DryRun=True, **request)) == ("DryRunOperation", 412)
    assert dev.living() == []


# ---- signatures ----

def test_a_wrong_secret_and_an_unknown_key(dev):
    assert code_of(dev.ec2(aws_secret_access_key="x" * 40).describe_instances)[0] in ("SignatureDoesNotMatch", "AuthFailure")
    assert code_of(dev.ec2(aws_access_key_id="AKIAIOSFODNN7EXAMPLE").describe_instances) == ("AuthFailure", 401)


def answer_to(dev, body, headers=None):
    request = urllib.request.Request(dev.cloud_info["endpoint"], data=body, method="POST",
                                     headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or {})})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_without_a_signature(dev):
    status, body = answer_to(dev, b"Action=DescribeInstances&Version=2016-11-15")
    assert status in (400, 401, 403) and b"<Code>" in body and b"<RequestID>" in body


@pytest.mark.parametrize("body", [b"", b"%", b"Action", b"Action=%zz", b"\xff\xfe", b"Action=DescribeInstances&" * 20000])
def test_malformed_requests_get_4xx_and_an_error_document(dev, body):
    status, document = answer_to(dev, body)
    assert 400 <= status < 500 and b"<Code>" in document


def sign(dev, body, when, tamper=b""):
    """Signs by botocore, independent of the product; `when` is the clock of the signer."""
    import botocore.auth
    import botocore.awsrequest
    import botocore.credentials

    info = dev.cloud_info
    request = botocore.awsrequest.AWSRequest("POST", info["endpoint"] + "/", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"})

    class Fixed(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return when

    original, botocore.auth.datetime.datetime = botocore.auth.datetime.datetime, Fixed
    try:
        botocore.auth.SigV4Auth(botocore.credentials.Credentials(info["access_key_id"], info["secret_access_key"]), "ec2", info["region"]).add_auth(request)
    finally:
        botocore.auth.datetime.datetime = original
    return answer_to(dev, body + tamper, dict(request.headers))


BODY = b"Action=DescribeInstances&Version=2016-11-15"


def test_a_signature_of_now_is_taken_an_old_one_and_a_changed_body_are_not(dev):
    now = datetime.datetime.utcnow()
    assert sign(dev, BODY, now)[0] == 200
    status, document = sign(dev, BODY, now - datetime.timedelta(minutes=30))
    assert status in (400, 403) and b"RequestExpired" in document
    status, document = sign(dev, BODY, now, tamper=b"&MaxResults=5")
    assert status == 403 and b"SignatureDoesNotMatch" in document


def test_user_data_is_passed_byte_for_byte(dev, key):
    content = bytes(range(256))
    instance = dev.launch(dev.base, key, UserData=content)
    key.wait_ssh(instance)
    fetched = key.ssh(instance, python_fetch("/latest/user-data")).stdout
    assert base64.b64decode(fetched) == content
    dev.terminate_all()


def python_fetch(path):
    """A command for the guest that prints a metadata path in base 64 (Python is there: cloud-init needs it)."""
    return ("python3 -c \"import urllib.request as u, base64; base='http://169.254.169.254';"
            "t=u.urlopen(u.Request(base+'/latest/api/token', method='PUT', headers={'X-aws-ec2-metadata-token-ttl-seconds':'60'})).read().decode();"
            f"print(base64.b64encode(u.urlopen(u.Request(base+'{path}', headers={{'X-aws-ec2-metadata-token':t}})).read()).decode())\"")
