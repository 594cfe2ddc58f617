"""Every element that the cloud answers is one that botocore's model of EC2 has at that place, with a value of its type.

Clients skip what they do not know, so a misspelt element would be seen by none of the other tests.
"""
import datetime
import urllib.parse
import urllib.request
import xml.etree.ElementTree

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session
import pytest

MODEL = botocore.session.get_session().get_service_model("ec2")


def call(dev, action, **parameters):
    info = dev.cloud_info
    body = urllib.parse.urlencode({"Action": action, "Version": "2016-11-15", **parameters}).encode()
    request = botocore.awsrequest.AWSRequest("POST", info["endpoint"] + "/", data=body,
                                             headers={"Content-Type": "application/x-www-form-urlencoded"})
    credentials = botocore.credentials.Credentials(info["access_key_id"], info["secret_access_key"])
    botocore.auth.SigV4Auth(credentials, "ec2", info["region"]).add_auth(request)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(request.url, data=body, headers=dict(request.headers)), timeout=60) as answer:
        return xml.etree.ElementTree.fromstring(answer.read())


def plain(element):
    return element.tag.partition("}")[2] or element.tag


# In EC2's documentation of the answer, not in botocore's model of it.
BEYOND_THE_MODEL = {"requestId", "return"}
# Newer than the botocore that Debian ships.
NEWER = {"DeleteKeyPairResponse/keyPairId", "DeleteSecurityGroupResponse/groupId"}


def strangers(element, shape, path):
    """Paths of what the model does not have, or has with another type."""
    if shape is None:
        return [f"{path}/{plain(child)}" for child in element]
    if shape.type_name == "list":
        found = [f"{path}/{plain(child)}" for child in element if plain(child) != "item"]
        for child in element:
            found += strangers(child, shape.member, path + "[]")
        return found
    if shape.type_name == "structure":
        names = {member.serialization.get("name", key): member for key, member in shape.members.items()}
        found = []
        for child in element:
            here = f"{path}/{plain(child)}"
            if plain(child) in names:
                found += strangers(child, names[plain(child)], here)
            else:
                found.append(here)
        return found
    return [] if fits(element.text or "", shape.type_name) and not len(element) else [f"{path}: {element.text!r} is no {shape.type_name}"]


def fits(text, type_name):
    if type_name == "boolean":
        return text in ("true", "false")
    if type_name in ("integer", "long"):
        return text.lstrip("-").isdigit()
    if type_name == "timestamp":
        datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ")
    return True


def check(dev, action, **parameters):
    answer = call(dev, action, **parameters)
    assert plain(answer) == action + "Response"
    for child in list(answer):
        if plain(child) in BEYOND_THE_MODEL or f"{plain(answer)}/{plain(child)}" in NEWER:
            answer.remove(child)
    assert strangers(answer, MODEL.operation_model(action).output_shape, action) == []
    return answer


def value(answer, name):
    return next(element.text for element in answer.iter() if plain(element) == name)


def test_every_answer_fits_the_model(dev):
    check(dev, "DescribeRegions")
    check(dev, "CreateKeyPair", KeyName="model", KeyType="ed25519", **tags("key-pair"))
    check(dev, "DescribeKeyPairs", IncludePublicKey="true")
    group = value(check(dev, "CreateSecurityGroup", GroupName="model", GroupDescription="d", **tags("security-group")), "groupId")
    rule = {"IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": "22", "IpPermissions.1.ToPort": "22"}
    check(dev, "AuthorizeSecurityGroupIngress", GroupId=group, **rule, **{"IpPermissions.1.IpRanges.1.CidrIp": "10.0.0.0/8"})
    check(dev, "AuthorizeSecurityGroupIngress", GroupId=group, **rule, **{"IpPermissions.1.Groups.1.GroupId": group})
    check(dev, "DescribeSecurityGroups")
    check(dev, "DescribeSubnets")
    ran = check(dev, "RunInstances", ImageId=dev.base, InstanceType="t3.nano", MinCount="1", MaxCount="1", KeyName="model",
                **{"SecurityGroupId.1": group}, **tags("instance"))
    instance = value(ran, "instanceId")
    dev.wait_instance(instance, "running")
    check(dev, "DescribeInstances")
    check(dev, "DescribeVolumes")
    check(dev, "GetConsoleOutput", InstanceId=instance)
    check(dev, "CreateTags", **{"ResourceId.1": instance, "Tag.1.Key": "a", "Tag.1.Value": "b"})
    image = value(check(dev, "CreateImage", InstanceId=instance, Name="of-the-model", NoReboot="true", **tags("image")), "imageId")
    dev.ec2().get_waiter("image_available").wait(ImageIds=[image], WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    check(dev, "DescribeImages")
    check(dev, "RebootInstances", **{"InstanceId.1": instance})
    check(dev, "StopInstances", **{"InstanceId.1": instance})
    dev.wait_instance(instance, "stopped", timeout=60)
    check(dev, "StartInstances", **{"InstanceId.1": instance})
    check(dev, "TerminateInstances", **{"InstanceId.1": instance})
    dev.wait_instance(instance, "terminated", timeout=60)
    check(dev, "DescribeInstances")
    check(dev, "DeregisterImage", ImageId=image)
    check(dev, "DeleteKeyPair", KeyName="model")
    check(dev, "DeleteSecurityGroup", GroupId=group)


def tags(resource_type):
    return {"TagSpecification.1.ResourceType": resource_type, "TagSpecification.1.Tag.1.Key": "Name", "TagSpecification.1.Tag.1.Value": "model"}


@pytest.mark.parametrize("name", ["vpcId", "publicIpAdress"])
def test_the_check_itself_sees_a_stranger(name):
    element = xml.etree.ElementTree.fromstring(f"<r><regionInfo><item><{name}>x</{name}></item></regionInfo></r>")
    assert strangers(element, MODEL.operation_model("DescribeRegions").output_shape, "r") == [f"r/regionInfo[]/{name}"]
